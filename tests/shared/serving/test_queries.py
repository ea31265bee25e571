"""Names of query parameters are read in any case."""

import pytest

from shared.admin import evaluation_queries
from shared.errors import ApiError
from shared.serving.queries import flag, only_flag, value

QUERY = {"filter": "metadata=evaluationType eq 'Auto'", "top": "7", "skip": "2", "maxpagesize": "3"}
WINDOW = {"startTime": "2026-01-01", "endTime": "2026-01-02", "intervalInMinutes": "60", "window": "Rolling"}


@pytest.mark.parametrize("sent", ["api-version", "API-VERSION", "Api-Version"])
def test_a_name_is_found_in_any_case(sent: str) -> None:
    assert value({"other": "1", sent: "2"}, "api-version") == "2"
    assert value({sent: "2"}, "version") is None


def test_a_parameter_that_is_there_several_times_has_all_values() -> None:
    assert value({"Top": "1", "top": "2"}, "top") == "1,2"


def test_a_flag_is_true_or_false_and_false_only_where_it_is_not_there() -> None:
    given = [{}, {"dryRun": "False"}, {"DRYRUN": "True"}]
    assert [flag(one, "dryRun") for one in given] == [False, False, True]
    for text in ("", "1", "yes", "true,true"):
        with pytest.raises(ApiError):
            flag({"dryRun": text}, "dryRun")


@pytest.mark.parametrize("spelled", [str.upper, str.lower, str.title])
def test_parameters_of_evaluations(spelled: type[str]) -> None:
    query, window = ({spelled(name): text for name, text in one.items()} for one in (QUERY, WINDOW))
    assert evaluation_queries.page(query) == (7, 2, 3)
    assert evaluation_queries.evaluation_type(query) == "Auto"
    assert evaluation_queries.window(window) == evaluation_queries.window(WINDOW)


def test_a_flag_that_prevents_something_is_never_passed_over() -> None:
    sent = ["", "?", "?dryRun=false", "?DryRun=TRUE"]
    assert [only_flag(f"http://host/erasures/x{query}", "dryRun") for query in sent] == [False, False, False, True]
    for query in (
        "dryRun",
        "dryRun=",
        "dryRun=1",
        "dryRun=true&dryRun=false",
        "dry_run=true",
        "dryRun=true&x=",
        "&dry",
    ):
        with pytest.raises(ApiError) as refused:
            only_flag(f"http://host/erasures/x?{query}", "dryRun")
        assert refused.value.code == "InvalidRequest"
