"""Templates, and what is put in the place of their placeholders."""

from __future__ import annotations

import pytest

from console.model.promql import patched, selectors
from console.model.sli import filled, of_ratio


def test_a_template_is_filled() -> None:
    text = "sum(rate(a[$window])) + sum_over_time(b[$inner:60s]) * $seconds"
    assert filled(text, 300) == "sum(rate(a[300s])) + sum_over_time(b[299999ms:60s]) * 300"


@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_placeholders_in_a_label_are_the_label_s(quote: str) -> None:
    label = f"{quote}$seconds $window $inner{quote}"
    assert filled(f"rate(a{{b={label}}}[$window])", 300) == f"rate(a{{b={label}}}[300s])"
    (found,) = selectors(f"rate(a{{b={label}}}[$window])")
    assert found.matchers[0].value == "$seconds $window $inner"


def test_quotes_in_a_label_and_in_a_comment_end_where_they_end() -> None:
    text = 'rate(a{b="\\"$window",c!="\\\\"}[$window]) # don\'t "$window\n / $seconds'
    assert filled(text, 60) == 'rate(a{b="\\"$window",c!="\\\\"}[60s]) # don\'t "$window\n / 60'


def test_a_group_or_a_recorded_objective_may_be_called_like_a_placeholder() -> None:
    text = patched("sum(increase(a[$window]))", {"pod": '$seconds"\n\\}'})
    assert filled(text, 300) == 'sum(increase(a{pod="$seconds\\"\\n\\\\}"}[300s]))'
    assert '"$window"' in filled(of_ratio('r{slo="$window"}').part, 300)
