from datetime import UTC, datetime, timedelta

import pytest

from shared.admin import evaluation_queries
from shared.admin.evaluation_queries import LARGEST, PAGE, Page, Window
from shared.errors import ApiError

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
PERIOD = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-02T00:00:00Z"}


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, Page(LARGEST, 0, PAGE)),
        ({"top": "200", "skip": "3", "maxpagesize": "50"}, Page(200, 3, 50)),
        ({"top": "0", "maxpagesize": "1000"}, Page(0, 0, PAGE)),
        ({"top": str(LARGEST), "unknown": "x"}, Page(LARGEST, 0, PAGE)),
    ],
)
def test_pages(query: dict[str, str], page: Page) -> None:
    assert evaluation_queries.page(query) == page


@pytest.mark.parametrize("name", ["top", "skip", "maxpagesize"])
@pytest.mark.parametrize("value", ["-1", "x", "1.5", "1e3", str(LARGEST + 1), "9" * 5000, "1,1", "٣", "+1", " 1"])
def test_numbers_of_pages_must_be_whole(name: str, value: str) -> None:
    with pytest.raises(ApiError, match=f"{name} must be a whole number from [01] to 2147483647") as refused:
        evaluation_queries.page({name: value})
    assert (refused.value.code, refused.value.target) == ("InvalidRequest", name)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, None),
        ("metadata=evaluationType eq 'Manual'", "Manual"),
        ("metadata=evaluationType eq 'Auto'", "Auto"),
        (" Metadata = EvaluationType EQ 'manual' ", "Manual"),
    ],
)
def test_filters(text: str | None, kind: str | None) -> None:
    assert evaluation_queries.evaluation_type({} if text is None else {"filter": text}) == kind


@pytest.mark.parametrize(
    "text", ["evaluationType eq 'Manual'", "metadata=evaluationType eq 'Other'", "metadata=name eq 'x'", "x", "''"]
)
def test_other_filters_are_refused(text: str) -> None:
    with pytest.raises(ApiError, match="metadata=evaluationType eq 'Manual'") as refused:
        evaluation_queries.evaluation_type({"filter": text})
    assert (refused.value.code, refused.value.target) == ("InvalidRequest", "filter")


@pytest.mark.parametrize(
    ("query", "minutes", "kind"),
    [
        ({}, 5, "Expanding"),
        ({"intervalInMinutes": "5", "window": "Expanding"}, 5, "Expanding"),
        ({"intervalInMinutes": "60", "window": "rolling"}, 60, "Rolling"),
        ({"intervalInMinutes": "1440", "window": "Rolling"}, 1440, "Rolling"),
    ],
)
def test_windows(query: dict[str, str], minutes: int, kind: str) -> None:
    found = evaluation_queries.window(PERIOD | query)
    assert found == Window(START, END, timedelta(minutes=minutes), kind)  # type: ignore[arg-type]


def test_times_without_a_zone_are_utc() -> None:
    found = evaluation_queries.window({"startTime": "2026-01-01T00:00:00", "endTime": "2026-01-02T01:00:00+01:00"})
    assert (found.start, found.end) == (START, END)


@pytest.mark.parametrize(
    ("change", "code", "target"),
    [
        ({"startTime": None}, "InvalidRequest", "startTime"),
        ({"endTime": None}, "InvalidRequest", "endTime"),
        ({"endTime": "yesterday"}, "InvalidRequest", "endTime"),
        ({"endTime": "2026-01-02T00:00:00 00:00"}, "InvalidRequest", "endTime"),
        ({"startTime": "2026-01-03T00:00:00Z"}, "InvalidEvaluationContract", "startTime"),
        ({"window": "Sliding"}, "InvalidRequest", "window"),
        ({"intervalInMinutes": "hour"}, "InvalidRequest", "intervalInMinutes"),
        ({"intervalInMinutes": "0"}, "InvalidRequest", "intervalInMinutes"),
        ({"intervalInMinutes": "60"}, "InvalidEvaluationContract", "intervalInMinutes"),
        ({"intervalInMinutes": "7", "window": "Rolling"}, "InvalidEvaluationContract", "intervalInMinutes"),
        ({"window": "Rolling"}, "InvalidEvaluationContract", "intervalInMinutes"),
    ],
)
def test_windows_that_cannot_be(change: dict[str, str | None], code: str, target: str) -> None:
    query = {name: value for name, value in (PERIOD | change).items() if value is not None}
    with pytest.raises(ApiError, match=target) as refused:
        evaluation_queries.window(query)
    assert (refused.value.status, refused.value.code, refused.value.target) == (400, code, target)


def test_ids_are_those_of_the_path() -> None:
    assert evaluation_queries.identifier("a%2Fb%2fc") == "a/b/c"
    with pytest.raises(ApiError, match="1 to 256 characters"):
        evaluation_queries.identifier("x" * 257)
