"""The filter of the feed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.alert import AlertState
from console.model.filter import Seen, parse_filter, text_of
from tests.tui import feeds

ALERT = feeds.alert(1, "DiskFull", severity="critical", team="payments", instance="db-1")
QUIET = replace(ALERT, state=AlertState.SUPPRESSED, silenced_by=("s",), inhibited_by=("x",))


def passes(text, alert=ALERT, *, acknowledged=False, repeats=0):
    return parse_filter(text).passes(Seen(alert, dict(alert.labels), text_of(alert), acknowledged, repeats))


@pytest.mark.parametrize(
    "text",
    ["", "  ", 'severity="critical"', 'severity="critical" team=~"pay.*"', 'severity="critical", team=~"pay.*"',
     '{severity="critical",team!="x"}', "severity=critical", "diskfull", 'DISK "on db-1"', "!staging", "@state=active",
     "@state=active|suppressed", "@acked=no", "@source=alertmanager", "@flapping=no", "@state!=suppressed",
     'team!~"shop.*" db-1', "@paged=unknown", 'nolabel=""'],
)  # fmt: skip
def test_what_passes(text):
    assert passes(text)


@pytest.mark.parametrize(
    "text",
    ['severity="warning"', 'team=~"pay"', "nothing", "!diskfull", "@state=suppressed", "@acked=yes",
     "@source=pagerduty", "@flapping=yes", 'disk "db-2"', "@paged=yes", 'team=~".*" !critical'],
)  # fmt: skip
def test_what_does_not(text):
    assert not passes(text)


def test_what_is_no_label_is_asked_for_with_an_at():
    assert passes("@acked=yes", acknowledged=True)
    assert passes("@flapping=yes", repeats=3)
    assert passes("@state=silenced", QUIET)
    assert passes("@state=inhibited @state=suppressed", QUIET)
    assert not passes("@state=muted", QUIET)
    assert passes("@paged=yes", replace(ALERT, paged=True))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('team="pay', "a quote is not closed"),
        ("team=", "team= needs a value"),
        ("@foo=1", "@foo is not known; expected @state"),
        ("@state", "needs a value"),
        ("@state=bogus", "@state=bogus is not known"),
        ('a=~"(b"', "does not compile"),
        ('a=~"(?=b)"', "does not compile"),
        ("x" * 3000, "longer than"),
    ],
)
def test_what_is_no_filter_is_refused_in_one_line(text, said):
    with pytest.raises(ValueError, match=said) as refused:
        parse_filter(text)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_refused(text):
    try:
        parse_filter(text).passes(Seen(ALERT, dict(ALERT.labels), text_of(ALERT)))
    except ValueError as error:
        said = str(error)
    else:
        said = "a filter"
    assert said


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.sampled_from(["=", "!="]))
def test_a_matcher_says_what_it_was_made_of(value, op):
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    (matcher,) = parse_filter(f'team{op}"{quoted}"').matchers
    assert (matcher.name, matcher.op, matcher.value) == ("team", op, value)
