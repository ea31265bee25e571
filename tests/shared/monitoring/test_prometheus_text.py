"""The text of metrics, read by Prometheus's own parser."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from shared.monitoring.prometheus_text import Family, Sample, encode, histogram

TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\r"))


@given(TEXT, st.floats() | st.integers(-(2**60), 2**60))
def test_labels_and_values_are_read_as_they_were_written(label: str, value: float) -> None:
    text = encode([Family("personalizer_x", "gauge", "Anything.", [Sample({"loop": label, "other": ""}, value)])])
    (family,) = text_string_to_metric_families(text.decode())
    (sample,) = family.samples
    assert sample.labels == {"loop": label, "other": ""}
    assert sample.value == float(value) or math.isnan(value)


def test_help_and_types() -> None:
    families = [
        Family("personalizer_a_total", "counter", 'Says "a\\b"\nand more.', [Sample({}, 3)]),
        Family("personalizer_nothing", "gauge", "Nothing.", []),
        Family("personalizer_c", "gauge", "C.", [Sample({}, math.inf), Sample({"x": "y"}, -math.inf)]),
    ]
    text = encode(families).decode()
    assert text.endswith("\n")
    assert "nothing" not in text
    read = list(text_string_to_metric_families(text))
    assert [(one.name, one.type, one.documentation) for one in read] == [
        ("personalizer_a", "counter", 'Says "a\\b"\nand more.'),
        ("personalizer_c", "gauge", "C."),
    ]
    assert [sample.value for one in read for sample in one.samples] == [3, math.inf, -math.inf]


def test_a_histogram_is_cumulative() -> None:
    text = encode([Family("h_seconds", "histogram", "H.", histogram({"loop": "a"}, [1, 2.5], [3, 0, 4], 12.25))])
    (family,) = text_string_to_metric_families(text.decode())
    assert family.type == "histogram"
    assert [(one.name, one.labels.get("le"), one.value) for one in family.samples] == [
        ("h_seconds_bucket", "1", 3),
        ("h_seconds_bucket", "2.5", 3),
        ("h_seconds_bucket", "+Inf", 7),
        ("h_seconds_sum", None, 12.25),
        ("h_seconds_count", None, 7),
    ]


def test_a_histogram_has_a_count_for_each_interval() -> None:
    with pytest.raises(ValueError, match="shorter"):
        histogram({}, [1, 2], [3, 4], 1)
