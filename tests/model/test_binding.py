"""Variables: what they are bound to, and that no value changes more than the piece it stands in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.model.alert import AlertRef
from console.model.binding import Place, Unfit, asked, bound, fill, fit, judge, one_line, pieces
from console.model.incident import Incident, IncidentState
from console.model.people import Actor, Severity
from console.model.playbook import (
    Check,
    Checklist,
    Notice,
    Option,
    Playbook,
    Probe,
    Program,
    Step,
    StepKind,
    Variable,
    VariableType,
)
from console.model.text import safe

T = VariableType
HOSTILE = [
    "; rm -rf /", "$(reboot)", "`id`", "a b", "-rf", "--config=/etc/shadow", "../../etc/passwd", "..", ".", "a/../b",
    '"} or vector(1) #', "') or 1 or ('", "\\", '\\"', "a\nb", "a\x00b", "a\x1b[2Jb", "{{target}}", "{target}",
    "%2e%2e",     "evil.example.com/", "evil.example.com#", "user@evil.example.com", "evil.example.com?x=", "http://evil.example.com",
    "a\u202eb", "\ud800", "x" * 100_000, "", " ", "1e999", "-5", "NaN", "0x10", "é", "*", "?", "~root", "@/etc/passwd",
    "javascript:alert(1)", "file:///etc/passwd", "host:99999", "[::1", "[::1%eth0]:80", "host:80:90", "a..b", "'", '"',
]  # fmt: skip


def incident(**changes) -> Incident:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    values = {
        "id": "i1", "number": 12, "version": 1, "title": "P99 is high", "severity": Severity.SEV2,
        "state": IncidentState.DECLARED, "service": "lighthouse", "environment": "production", "declared_at": now,
        "declared_by": Actor("alice", "alice"), "mode": "live",
    }  # fmt: skip
    return Incident(**(values | changes))


def alert(**labels: str) -> AlertRef:
    return AlertRef("f1", labels.get("alertname", "X"), labels=tuple(labels.items()))


def playbook(*variables: Variable, **step) -> Playbook:
    steps = (Step("s", "S", **({"challenge": "c", "response": "r"} | step)),)
    return Playbook("p", "P", (Severity.SEV2,), "us", "2026-11-21", steps, variables=variables)


# --- what they are bound to ------------------------------------------------------------------------------------------


def test_takes_values_from_the_incident_its_alerts_and_the_configuration():
    found = playbook(
        Variable("title", T.TEXT, "incident.title"),
        Variable("severity", T.NAME, "incident.severity"),
        Variable("label", T.NAME, "incident.label"),
        Variable("instance", T.HOST, "alert.instance"),
        Variable("name", T.NAME, "alert.alertname"),
        Variable("pool_max", T.INTEGER, "config.pool_max", default="40"),
        Variable("other", T.INTEGER, "config.other", default="7"),
    )
    alerts = (alert(job="x"), alert(instance="host-1:9100"), alert(instance="host-2:9100"))
    _, values = bound(found, incident(alerts=alerts), {}, {"pool_max": "20"})
    assert values == {
        "title": "P99 is high", "severity": "SEV2", "label": "INC-12", "instance": "host-1:9100", "name": "X",
        "pool_max": "20", "other": "7",
    }  # fmt: skip
    assert asked(found, incident(alerts=alerts), {}) == ()


def test_asks_for_what_has_no_source_and_for_what_its_source_does_not_say():
    reason = Variable("reason", T.TEXT, ask="Why now?", default="too slow")
    instance = Variable("instance", T.HOST, "alert.instance")
    silent = Variable("silent", T.HOST, "alert.silent", default="host-9")
    found = playbook(reason, instance, silent)
    assert asked(found, incident(), {}) == ((reason, "too slow"), (instance, ""))
    with pytest.raises(ValueError, match=r"^instance has no value: it must be answered$"):
        bound(found, incident(), {}, {})
    _, values = bound(found, incident(), {"instance": " host-3 "}, {})
    assert values == {"reason": "too slow", "instance": "host-3", "silent": "host-9"}


def test_a_hostile_label_is_never_taken_and_the_operator_may_say_better():
    instance = Variable("instance", T.HOST, "alert.instance", default="host-9")
    found, about = playbook(instance), incident(alerts=(alert(instance="$(reboot)"),))
    assert asked(found, about, {}) == ((instance, "host-9"),)
    with pytest.raises(ValueError, match=r"^instance: found '\$\(reboot\)', expected a host name .*answer it yourself"):
        bound(found, about, {}, {})
    assert bound(found, about, {"instance": "host-1"}, {})[1] == {"instance": "host-1"}


def test_an_answer_to_nothing_is_refused():
    with pytest.raises(ValueError, match=r"^p has no variable 'x'; its variables: reason$"):
        bound(playbook(Variable("reason", T.TEXT, default="r")), incident(), {"x": "1"}, {})


@pytest.mark.parametrize(
    ("variable", "good", "bad"),
    [
        (Variable("v", T.NAME), ["a", "A-1._b", "9", "_x"], ["-a", ".a", "..", "a/b", "a b", "ä", "a:b"]),
        (Variable("v", T.INTEGER), ["0", "-5", "007"], ["1.0", "1e3", "+1", "x", "٣"]),
        (Variable("v", T.NUMBER), ["0.5", "-1", "40"], ["1e3", ".5", "5.", "NaN", "inf"]),
        (Variable("v", T.BOOLEAN), ["true", "false"], ["yes", "True", "1"]),
        (Variable("v", T.DURATION), ["90s", "1h30m", "4w"], ["0s", "30m1h", "5", "", "-5m", "1y"]),
        (Variable("v", T.CHOICE, choices=("blue", "green")), ["blue"], ["red", "Blue", "blu"]),
        (
            Variable("v", T.HOST),
            ["host-1", "host-1:9100", "10.0.0.1", "[::1]:80", "[fe80::1]", "a.b.example.com"],
            ["host:0", "host:65536", "::1", "[::1", "-a", "a-", "a..b", "a/b", "a@b", "a:", "x" * 64],
        ),
        (
            Variable("v", T.URL),
            ["https://a.example/x?y=1", "http://127.0.0.1:80/"],
            ["ftp://a", "https://u:p@a/", "//a", "https:///x", "javascript:alert(1)", "http://a b", "http://a:99999"],
        ),
        (Variable("v", T.NAME, pattern="host-[0-9]+"), ["host-1"], ["host-1x", "host-", "xhost-1"]),
        (Variable("v", T.TEXT), ["anything; at $(all) `here`", "é"], ["a\nb", "\x1b[2J", "x" * 501, "  "]),
    ],
)
def test_types(variable: Variable, good: list[str], bad: list[str]):
    for value in good:
        assert fit(variable, value) == value
    for value in bad:
        with pytest.raises(ValueError, match=r"^v: found .*, expected ") as caught:
            fit(variable, value)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400


# --- where they may stand --------------------------------------------------------------------------------------------

KNOWN = {
    "text": Variable("text", T.TEXT),
    "title": Variable("title", T.NAME, "incident.title"),
    "name": Variable("name", T.NAME, "alert.job"),
    "host": Variable("host", T.HOST),
    "seen": Variable("seen", T.HOST, "alert.instance"),
    "sure": Variable("sure", T.HOST, "alert.instance", pattern="host-[0-9]+(:[0-9]+)?"),
    "page": Variable("page", T.URL),
    "number": Variable("number", T.NUMBER),
    "span": Variable("span", T.DURATION),
}


@pytest.mark.parametrize(
    ("place", "template"),
    [
        (Place.WORDS, "{{text}} {{ title }} {{target}} {{.State}} {{}}"),
        (Place.ARGUMENT, "--to={{name}}"),
        (Place.ARGUMENT, "--format={{.State.Status}}"),
        (Place.URL, "https://a.example/{{name}}/x?y={{number}}&z={{target}}"),
        (Place.URL, "http://{{host}}/health"),
        (Place.URL, "http://{{sure}}:8080/health"),
        (Place.URL, "{{page}}"),
        (Place.QUERY, 'up{job="{{name}}"} > {{number}}'),
        (Place.QUERY, "rate(x{a=~'{{host}}.*'}[{{span}}]) # all"),
        (Place.QUERY, "up"),
    ],
)
def test_may_stand(place: Place, template: str):
    judge(place, template, KNOWN)


@pytest.mark.parametrize(
    ("place", "template", "found"),
    [
        (Place.WORDS, "{{nobody}}", "the unknown variable 'nobody'"),
        (Place.ARGUMENT, "{{text}}", "{{text}}, a variable of type text, in an argument"),
        (Place.PLAIN, "x{{title}}", "{{title}}, a variable from incident.title, in a text for machines"),
        (Place.TYPED, "{{text}}", "{{text}}, a variable of type text, in words to type"),
        (Place.URL, "https://a.example/{{text}}", "{{text}}, a variable of type text, in a URL"),
        (Place.QUERY, 'up{a="{{text}}"}', "{{text}}, a variable of type text, in a query"),
        (Place.URL, "{{name}}", "{{name}}, a variable of type name, as the whole URL"),
        (Place.URL, "https://{{name}}.example/", "'{{name}}.example' as the host of a URL"),
        (Place.URL, "https://a.{{host}}/", "'a.{{host}}' as the host of a URL"),
        (Place.URL, "https://u@{{host}}/", "'https://u@{{host}}/'"),
        (Place.URL, "{{name}}://a.example", "'{{name}}://a.example'"),
        (Place.URL, "https://a.example/#{{name}}", "'https://a.example/#{{name}}'"),
        (Place.URL, "https://a.example/{{page}}", "{{page}}, a variable of type url, in a part of a URL"),
        (Place.URL, "https://u:p@a.example/", "'https://u:p@a.example/'"),
        (Place.URL, "ftp://a.example/", "'ftp://a.example/'"),
        (Place.URL, "http://a.example:99999/", "'http://a.example:99999/'"),
        (Place.URL, "http://{{host}}:99999/", "'http://{{host}}:99999/'"),
        (Place.URL, "http://a.example:0/", "'http://a.example:0/'"),
        (Place.URL, "http://[::1/", "'http://[::1/'"),
        (Place.URL, "http://{{seen}}/health", "a host that alert.instance chooses, without a pattern"),
        (Place.QUERY, "up{a=`{{name}}`}", "{{name}} between ` and `, where nothing can be escaped"),
        (Place.QUERY, "{{name}}", "{{name}}, a variable of type name, outside of quotes in a query"),
        (Place.QUERY, "up{job={{host}}}", "{{host}}, a variable of type host, outside of quotes in a query"),
        (Place.QUERY, "metric_{{number}}", "a variable within a word: 'metric_{{number}}'"),
        (Place.QUERY, "{{number}}{{number}}", "a variable within a word: '{{number}}{{number}}'"),
    ],
)
def test_may_not_stand(place: Place, template: str, found: str):
    with pytest.raises(Unfit) as caught:
        judge(place, template, KNOWN)
    assert caught.value.found == found


@pytest.mark.parametrize(
    "query",
    [
        'label_replace(up, "a", "$1", "b", "{{host}}.*")',
        'label_replace(up, "a", "{{name}}", "b", "c")',
        "label_join(up, '{{name}}', ',')",
        'count_values("{{name}}", up)',
    ],
)
def test_a_query_takes_it_in_a_matcher_alone(query: str):
    with pytest.raises(Unfit, match="in a quoted text that no matcher compares with"):
        judge(Place.QUERY, query, KNOWN)


@pytest.mark.parametrize("name", ["service", "environment", "target", "incident"])
@pytest.mark.parametrize("value", ["a b", "-x", "a/../b", "a&b", 'a"', "../a"])
def test_what_every_playbook_has_is_a_name_where_a_machine_reads_it(name: str, value: str):
    given = {name: value}
    for place in (Place.ARGUMENT, Place.PLAIN, Place.URL, Place.QUERY):
        template = {Place.URL: f"https://a.example/{{{{{name}}}}}", Place.QUERY: f'up{{a="{{{{{name}}}}}"}}'}.get(
            place, f"{{{{{name}}}}}"
        )
        with pytest.raises(ValueError, match=f"^{name}: found "):
            fill(place, template, given)
    assert fill(Place.WORDS, f"On {{{{{name}}}}}", given) == f"On {value}"
    good = "lighthouse/production" if name == "target" else "lighthouse"
    assert fill(Place.ARGUMENT, f"{{{{{name}}}}}", {name: good}) == good


def test_an_argument_does_not_become_an_option():
    assert fill(Place.ARGUMENT, "--by={{number}}", {"number": "-5"}) == "--by=-5"
    with pytest.raises(ValueError, match=r"^the argument '\{\{number\}\}' would be an option: '-5'$"):
        fill(Place.ARGUMENT, "{{number}}", {"number": "-5"})


def test_a_port_in_the_url_replaces_that_of_the_host():
    assert fill(Place.URL, "http://{{host}}:8080/x", {"host": "host-1:9100"}) == "http://host-1:8080/x"
    assert fill(Place.URL, "http://{{host}}/x", {"host": "[::1]:9100"}) == "http://[::1]:9100/x"
    assert fill(Place.URL, "http://{{host}}:8080/x", {"host": "[::1]:9100"}) == "http://[::1]:8080/x"


def test_a_value_stands_for_itself_in_a_regular_expression():
    filled = fill(Place.QUERY, 'up{a=~"{{host}}.*", b="{{host}}"}', {"host": "[::1]:80"})
    assert filled == 'up{a=~"\\\\[\\\\:\\\\:1\\\\]\\\\:80.*", b="[::1]:80"}'


def test_a_query_on_one_line():
    assert one_line('sum(  # all of them "\n  up{a="x  y"}\n) ') == 'sum( up{a="x  y"} )'
    for query, found in (
        ('up{a="x}', "a quote that is never closed"),
        ("up{a=`x\ny`}", "a line break in a quoted text"),
    ):
        with pytest.raises(Unfit) as caught:
            one_line(query)
        assert caught.value.found == found


# --- a whole playbook ------------------------------------------------------------------------------------------------


def test_fills_in_everything_once_and_nothing_is_left():
    use = "{{host}} {{target}}"
    query = 'up{instance="{{host}}"}'
    step = Step(
        "s", f"T {use}", f"C {use}", f"R {use} {{{{text}}}}", StepKind.MANUAL,
        look_at=(Check("guardrail.p99", "<", 300.0), Check(f"query: {query}", ">", 0.0, query)),
        verify=Check(f"query: {query}", ">=", 1.0, query, timedelta(minutes=1)),
        confirm="RESTART {{host}} {target}", undo=f"U {use}",
        options=(Option("o", f"L {use}", when=Check(f"query: {query}", ">", 0.0, query)),),
        program=Program(
            ("restart", "{{host}}", "--on={{target}}"), set_env=(("HOST", "{{host}}"),), dry_run=("-n", "{{host}}")
        ),
        notice=Notice("slack", f"N {use}"),
    )  # fmt: skip
    probe = Probe("http://{{host}}/health?of={{target}}", contains="{{host}}")
    asked_of = Step("p", "P", "c", "r", StepKind.HTTP, verify=Check(probe.reading, "==", 1.0), probe=probe)
    before = Playbook(
        "p", "P", (Severity.SEV1,), "us", "2026-11-21", (step, asked_of),
        variables=(Variable("host", T.HOST), Variable("text", T.TEXT, "incident.title")),
        checklists=(Checklist("l", f"L {use}", pause_point=f"P {use}", completion_call=f"D {use}"),),
    )  # fmt: skip
    after, values = bound(before, incident(title="{{host}} is $(down)"), {"host": "host-1:80"}, {})
    assert values == {"host": "host-1:80", "text": "{{host}} is $(down)"}
    done = "host-1:80 lighthouse/production"
    first, second = after.steps
    assert (first.title, first.challenge, first.undo) == (f"T {done}", f"C {done}", f"U {done}")
    assert first.response == f"R {done} {{{{host}}}} is $(down)", "a value is not looked at again"
    filled = 'up{instance="host-1:80"}'
    check = Check(f"query: {filled}", ">", 0.0, filled)
    assert first.look_at == (Check("guardrail.p99", "<", 300.0), check)
    assert first.verify == Check(f"query: {filled}", ">=", 1.0, filled, timedelta(minutes=1))
    assert first.confirm == "RESTART host-1:80 {target}"
    assert first.options == (Option("o", f"L {done}", when=check),)
    program = first.program
    assert program.argv == ("restart", "host-1:80", "--on=lighthouse/production")
    assert (program.set_env, program.dry_run) == ((("HOST", "host-1:80"),), ("-n", "host-1:80"))
    assert first.notice == Notice("slack", f"N {done}")
    assert second.probe == Probe("http://host-1:80/health?of=lighthouse%2Fproduction", contains="host-1:80")
    assert second.verify == Check(second.probe.reading, "==", 1.0)
    assert after.checklists == (Checklist("l", f"L {done}", pause_point=f"P {done}", completion_call=f"D {done}"),)


def test_a_playbook_without_variables_stays_as_it_is():
    before = playbook(program=Program(("docker", "inspect", "--format={{.State.Status}}")), kind=StepKind.COMMAND)
    assert bound(before, incident(), {}, {}) == (before, {})


# --- hostile values --------------------------------------------------------------------------------------------------

anything = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40), st.from_regex(r"[-a-z0-9.:_/\[\]\"'\\ {}]{1,20}"))
PIECE_TYPES = (T.NAME, T.INTEGER, T.NUMBER, T.BOOLEAN, T.DURATION, T.HOST, T.URL)


def taken(variable: Variable, value: str) -> str:
    """The value, if it would be let in at all."""
    try:
        return fit(variable, value)
    except ValueError:
        assume(False)
        raise


def hostile(*types: VariableType) -> st.SearchStrategy[tuple[Variable, str]]:
    """A variable and a value of its type: what a stranger may choose. The choices of an author may hold anything."""
    shaped = {
        T.NAME: st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,9}", fullmatch=True),
        T.INTEGER: st.integers(-9999, 9999).map(str),
        T.NUMBER: st.from_regex(r"-?[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True),
        T.BOOLEAN: st.sampled_from(["true", "false"]),
        T.DURATION: st.from_regex(r"[1-9][0-9]?[smhd]", fullmatch=True),
        T.HOST: st.from_regex(r"[a-z]([a-z0-9.]*[a-z])?(:[1-9])?|\[::[1-9]\]:80", fullmatch=True),
        T.URL: st.from_regex(r"https?://[a-z]{1,5}/[!-~]{0,20}", fullmatch=True),
    }  # fmt: skip
    author = anything.map(lambda text: (Variable("v", T.CHOICE, choices=(text.strip(),)), text))
    return st.one_of(
        *(st.one_of(shaped[kind], anything).map(lambda text, kind=kind: (Variable("v", kind), text)) for kind in types),
        author,
    )


@given(hostile(*PIECE_TYPES), st.sampled_from(["{{v}}", "--x={{v}}", "a{{v}}b", "{{v}}{{v}}", "/var/{{ v }}/x"]))
def test_40_a_value_never_leaves_its_argument(pair: tuple[Variable, str], template: str):
    variable, value = pair[0], taken(*pair)
    argv = ("program", "first", template, "last")
    before = playbook(variable, kind=StepKind.COMMAND, program=Program(argv, dry_run=(*argv, "--dry-run")))
    if template.startswith("{{") and value.startswith("-"):
        with pytest.raises(ValueError, match="would be an option"):
            bound(before, incident(), {"v": value}, {})
        return
    after, _ = bound(before, incident(), {"v": value}, {})
    program = after.steps[0].program
    assert len(program.argv) == len(argv)
    assert program.argv[:2] + program.argv[3:] == argv[:2] + argv[3:]
    assert program.argv[2] == re.sub(r"\{\{ ?v ?\}\}", lambda _: value, template)
    assert program.dry_run == (*program.argv, "--dry-run")
    assert not program.argv[2].startswith("-") or template.startswith("-")
    assert not re.search(r"[\x00-\x1f\x7f]", program.argv[2])


@given(
    hostile(T.NAME, T.INTEGER, T.NUMBER, T.BOOLEAN, T.DURATION, T.HOST),
    st.sampled_from(
        ["https://a.example/x/{{v}}/y?q={{v}}&r=1", "http://a.example:8080/{{v}}", "https://a.example/x{{v}}?{{v}}"]
    ),
)
def test_40_a_value_never_leaves_its_part_of_a_url(pair: tuple[Variable, str], template: str):
    variable, value = pair[0], taken(*pair)
    judge(Place.URL, template, {"v": variable})
    if value in (".", "..") and "/{{v}}" in template:
        with pytest.raises(ValueError, match="would lead elsewhere"):
            fill(Place.URL, template, {"v": value})
        return
    filled = fill(Place.URL, template, {"v": value})
    plain, hostile_one = urlsplit(template.replace("{{v}}", "x")), urlsplit(filled)
    assert hostile_one[:2] == plain[:2]
    assert not hostile_one.fragment
    assert len(hostile_one.path.split("/")) == len(plain.path.split("/"))
    assert not {".", ".."} & set(hostile_one.path.split("/"))
    assert len(hostile_one.query.split("&")) == len(plain.query.split("&"))
    assert unquote(filled) == template.replace("{{v}}", value)


@given(hostile(T.HOST), st.sampled_from(["http://{{v}}/health?x=1", "https://{{v}}:8080/health?x=1"]))
def test_40_a_host_is_the_host_and_nothing_else(pair: tuple[Variable, str], template: str):
    assume(pair[0].type is T.HOST)
    value = taken(*pair)
    parts = urlsplit(fill(Place.URL, template, {"v": value}))
    assert (parts.scheme, parts.path, parts.query) == (template.partition(":")[0], "/health", "x=1")
    assert parts.username is None
    assert parts.hostname == urlsplit(f"//{value}").hostname
    assert parts.port == (8080 if ":8080" in template else urlsplit(f"//{value}").port)


def outside(query: str) -> list[str]:
    """The tokens of a query, each quoted text as one."""
    return re.findall(r"\[\[text\]\]|\(-[0-9.]+\)|[0-9.]+[smhdw]?|[a-z_]+|\S", "".join(
        "[[text]]" if piece[0] in "\"'`" else piece for piece in pieces(query)
    ))  # fmt: skip


@given(
    hostile(*PIECE_TYPES),
    st.sampled_from(['sum(up{a="{{v}}", b!="x"}) > 0', "up{a='x{{v}}y'} or up{b=\"{{v}}\"}", 'x{a=~"{{v}}.*"} == 1']),
)
def test_40_a_value_never_leaves_its_quotes_in_a_query(pair: tuple[Variable, str], template: str):
    variable, value = pair[0], taken(*pair)
    judge(Place.QUERY, template, {"v": variable})
    filled = fill(Place.QUERY, template, {"v": value})
    assert outside(filled) == outside(template)
    for before, after in zip(pieces(template), pieces(filled), strict=True):
        if before[0] in "\"'" and "=~" not in template:
            assert re.sub(r"\\(.)", r"\1", after[1:-1]) == before[1:-1].replace("{{v}}", value)


@given(hostile(T.INTEGER, T.NUMBER))
def test_40_a_number_is_one_piece_of_a_query(pair: tuple[Variable, str]):
    assume(pair[0].type is not T.CHOICE)
    value = taken(*pair)
    filled = fill(Place.QUERY, "up > {{v}} and up - {{v}} < 9", {"v": value})
    assert len(outside(filled)) == len(outside("up > 1 and up - 1 < 9"))


@given(hostile(T.NAME))
def test_a_regular_expression_matches_the_value_alone(pair: tuple[Variable, str]):
    value = taken(*pair)
    filled = fill(Place.QUERY, 'up{a=~"{{v}}"}', {"v": value})
    (quoted,) = [piece for piece in pieces(filled) if piece[0] == '"']
    import re2

    pattern = re.sub(r"\\(.)", r"\1", quoted[1:-1])
    assert re2.fullmatch(pattern, value)
    assert not re2.fullmatch(pattern, value + "x")


@given(anything)
def test_any_value_is_bound_or_refused_in_one_short_line(value: str):
    for kind in (*PIECE_TYPES, T.TEXT):
        found = playbook(Variable("v", kind, "alert.x"), challenge="do {{v}}")
        try:
            said = bound(found, incident(alerts=(alert(x=value),)), {}, {})[0].steps[0].challenge
        except ValueError as error:
            said = str(error)
        assert safe(said, 700) == said


PARTS = ["{{v}}", "{{target}}", "{{w}}", "{{", "}}", "=~", "http://", *"\"'`\\#/?@:[]- x9."]
templates = st.lists(st.sampled_from(PARTS), max_size=12).map("".join)


@given(templates, st.sampled_from(list(Place)), hostile(*PIECE_TYPES))
def test_any_template_is_judged_and_what_is_let_in_can_be_filled_in(
    template: str, place: Place, pair: tuple[Variable, str]
):
    value = taken(*pair)
    try:
        judge(place, template, {"v": pair[0]})
    except Unfit:
        return
    known = {"v": value, "target": "lighthouse/production"}
    try:
        filled = fill(place, template, known)
    except ValueError as error:
        assert type(error) is ValueError, "in words"  # noqa: PT017
        return
    assert safe(filled, len(filled)) == filled
    if place is Place.URL:
        assert urlsplit(filled).scheme in ("http", "https")
        assert urlsplit(filled).hostname
    if place is Place.QUERY:
        assert len(outside(filled)) == len(outside(template.replace("{{v}}", "1").replace("{{target}}", "1")))
