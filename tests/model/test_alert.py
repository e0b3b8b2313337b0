"""Matchers, as Alertmanager reads them."""

import contextlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.model.alert import Alert, AlertState, Matcher, parse_matcher, reference
from console.model.filter import parse_filter
from console.model.pattern import compiled
from console.model.silence import Silence, end_refusal, preview, refusal

START = datetime(2026, 3, 28, tzinfo=UTC)

names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,10}", fullmatch=True)
plain = st.text(st.characters(exclude_characters='"\\', exclude_categories=["Cs"]), max_size=20)


@given(names, st.sampled_from(["=", "!="]), st.text(max_size=20))
def test_a_quoted_value_comes_back_whole(name, op, value):
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    found = parse_matcher(f'  {name} {op} "{quoted}" ')
    assert (found.name, found.op) == (name, op)
    assert found.value == value


@given(names, st.sampled_from(["=", "!="]), st.text(max_size=20))
@example("path", "=", 'C:\\dir "a\\"\n')
def test_text_and_parse_are_inverse(name, op, value):
    matcher = Matcher(name, op, value)
    assert parse_matcher(str(matcher)) == matcher
    assert parse_filter(f"{matcher}, {matcher}").matchers == (matcher, matcher)


@given(names, st.sampled_from(["=~", "!~"]), st.text(max_size=20).map(re.escape))
def test_so_they_are_of_a_pattern(name, op, value):
    with contextlib.suppress(ValueError):  # what RE2 does not take
        compiled(value)
        matcher = Matcher(name, op, value)
        assert parse_matcher(str(matcher)) == matcher


@given(names, plain, st.dictionaries(names, plain, max_size=4))
def test_each_operator_has_its_opposite(name, value, labels):
    assert parse_matcher(f'{name}="{value}"').matches(labels) is not parse_matcher(f'{name}!="{value}"').matches(labels)
    assert Matcher(name, "=~", "a.*").matches(labels) is not Matcher(name, "!~", "a.*").matches(labels)
    assert Matcher(name, "=", value).matches({**labels, name: value})


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("severity=critical", {"severity": "critical"}, True),
        ('severity="critical"', {"severity": "criticall"}, False),
        ('team=~"pay.*"', {"team": "payments"}, True),
        ('team=~"pay"', {"team": "payments"}, False),
        ('team=~"pay|ment"', {"team": "payment"}, False),
        ('team!~"pay.*"', {"team": "search"}, True),
        ('team=""', {}, True),
        ('team=~".+"', {}, False),
        ('team!="x"', {}, True),
        ('text=~"a.b"', {"text": "a\nb"}, False),  # as a real Alertmanager 0.25 answers
        ('text=~"(?s)a.b"', {"text": "a\nb"}, True),
        (r'version=~"1\.2"', {"version": "1x2"}, False),
        (r'version=~"1\\.2"', {"version": "1.2"}, True),
        (r'path="C:\dir"', {"path": r"C:\dir"}, True),
    ],
)
def test_matching(text, labels, expected):
    assert parse_matcher(text).matches(labels) is expected


@pytest.mark.parametrize(
    "text",
    ["", "severity", "=x", "9a=x", 'a="b', 'a="b" c', "a=b,c=d", "{a=b}", 'a=~"("', "a=~*", "a b=c", "a=b\nc"],
)
def test_what_is_no_matcher(text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text of each is its own
        parse_matcher(text)
    assert "\n" not in str(caught.value)
    assert repr(text) in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_a_matcher_or_a_clear_refusal(text):
    with contextlib.suppress(ValueError):
        found = parse_matcher(text)
        assert found.op in ("=", "!=", "=~", "!~")
        found.matches({found.name: "x"})


def test_what_an_incident_keeps():
    at = datetime(2026, 11, 21, tzinfo=UTC)
    alert = Alert("f1", (("alertname", "Slow"),), (("description", "long"),), AlertState.ACTIVE, at)
    assert (alert.name, alert.severity, alert.label("x", "y")) == ("Slow", "", "y")
    kept = reference(alert)
    assert (kept.fingerprint, kept.name, kept.summary, kept.starts_at) == ("f1", "Slow", "long", at)
    assert Alert("f2", (), (), AlertState.UNKNOWN, at).name == "(no alertname)"


labelled = st.dictionaries(st.sampled_from(["alertname", "job", "team"]), st.sampled_from(["", "a", "ab", "b"]))


@given(
    st.lists(labelled, max_size=6),
    st.lists(
        st.builds(
            Matcher,
            st.sampled_from(["alertname", "job", "team", "absent"]),
            st.sampled_from(["=", "!=", "=~", "!~"]),
            st.sampled_from(["", "a", "a.*", "b|"]),
        ),
        max_size=3,
    ),
)
def test_a_preview_of_thousands_finds_what_the_silence_hides(labels, matchers):
    alerts = [
        Alert(str(number), tuple(sorted(one.items())), (), AlertState.ACTIVE, START)
        for number, one in enumerate(labels)
    ]
    silence = Silence(tuple(matchers), START, START, "alice", "")
    assert preview(matchers, alerts) == tuple(alert for alert in alerts if silence.hides(alert))


def test_no_silence_is_for_ever():
    soon, far = START + timedelta(days=366), START + timedelta(days=366, seconds=1)
    assert refusal(Silence((Matcher("a", "=", "b"),), START, soon, "alice", "why"), START) == ""
    assert "more than a year away" in refusal(Silence((Matcher("a", "=", "b"),), START, far, "alice", "why"), START)
    assert end_refusal(soon, START) == ""
    assert "more than a year away" in end_refusal(far, START)
