"""Variables of a playbook: what they are bound to when a run starts, and how a value is put in its place.

What an alert says comes from anywhere. It is data: a value must be of its variable's type before it is put anywhere,
and it is put in once, as one piece, escaped for the place. So an argument vector keeps its length, a URL its host and
its path's segments, and a query its shape, whatever the value is. A value is never looked at for variables again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from urllib.parse import quote, urlsplit

from console.model.incident import Incident
from console.model.links import usable
from console.model.pattern import compiled
from console.model.playbook import Check, Option, Playbook, Probe, Program, Step, Variable, VariableType
from console.model.text import LIMIT, safe

LONGEST = 500
"""Characters of a value."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""What a variable may be called."""
INCIDENT_FIELDS = ("label", "id", "title", "service", "environment", "severity")
"""What `incident.FIELD` may name."""
BUILT_IN = {name: Variable(name, VariableType.NAME) for name in ("target", "service", "environment", "incident")}
"""Variables that every playbook has."""

_USE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}")
_T = VariableType
_NUMBERS = frozenset({_T.INTEGER, _T.NUMBER, _T.DURATION})


class Place(StrEnum):
    """Where a variable may stand. WORDS: what people read. TYPED: what they type to confirm. ARGUMENT: one argument of
    a program. PLAIN: a text that a machine reads as it is, such as the value of an environment variable."""

    WORDS = "words"
    TYPED = "words to type"
    ARGUMENT = "an argument"
    PLAIN = "a text for machines"
    URL = "a URL"
    QUERY = "a query"


class Unfit(ValueError):
    """A variable that may not stand where it does: what was found, and what is expected instead."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"found {found}, expected {expected}")
        self.found, self.expected = found, expected


# --- values ----------------------------------------------------------------------------------------------------------

_SHAPES: Mapping[VariableType, tuple[re.Pattern[str], str]] = {
    # Beginning with neither "-" (an option) nor "." (a hidden file, or the folder above).
    _T.NAME: (
        re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*"),
        "letters, digits and . _ -, with a letter, a digit or _ in front",
    ),
    _T.INTEGER: (re.compile(r"-?[0-9]{1,15}"), "a whole number"),
    _T.NUMBER: (re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?"), "a number such as 40 or 0.5"),
    _T.BOOLEAN: (re.compile(r"true|false"), "true or false"),
    _T.DURATION: (
        re.compile(r"(?=.*[1-9])([0-9]{1,4}w)?([0-9]{1,5}d)?([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?"),
        "a duration such as 90s, 5m or 1h30m",
    ),
}
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")


def fit(variable: Variable, value: str) -> str:
    """`value` as it is put in. Raises ValueError, with one line, when it is not of the variable's type."""
    value = value.strip()
    expected = _misfit(variable, value)
    if expected:
        raise ValueError(f"{variable.name}: found {_shown(value)}, expected {expected}")
    return value


def _misfit(variable: Variable, value: str) -> str:
    """What is expected in place of the value; empty when it will do."""
    if not value or len(value) > LONGEST:
        return f"1 to {LONGEST} characters"
    if safe(value, len(value)) != value:
        return "printable characters on one line"
    if variable.type in _SHAPES:
        shape, words = _SHAPES[variable.type]
        if shape.fullmatch(value) is None:
            return words
    elif variable.type is _T.CHOICE and value not in variable.choices:
        return f"one of {', '.join(variable.choices)}"
    elif variable.type is _T.HOST and not _host(value):
        return "a host name or an address, with an optional port; an IPv6 address in [ ]"
    elif variable.type is _T.URL and not _address(value):
        return "an https or http URL without credentials"
    if variable.pattern and not compiled(variable.pattern).matches(value):
        return f"what matches {_shown(variable.pattern)}"
    return ""


def _address(url: str) -> bool:
    try:
        return usable(url) and urlsplit(url).port != 0
    except ValueError:  # a port above all ports
        return False


def _host(value: str) -> bool:
    name, port = _host_and_port(value)
    if port is not None and not (_PORT.fullmatch(port) and int(port) < 65_536):
        return False
    if name.startswith("["):
        import ipaddress  # few hosts are written so

        try:
            ipaddress.IPv6Address(name[1:-1] if name.endswith("]") and "%" not in name else "")
        except ValueError:
            return False
        return True
    return len(name) < 254 and all(_LABEL.fullmatch(label) for label in name.split("."))


def _host_and_port(value: str) -> tuple[str, str | None]:
    end = value.find("]") + 1 if value.startswith("[") else 0
    name, colon, port = value[end:].partition(":")
    return value[:end] + name, port if colon else None


def _shown(text: str) -> str:
    return f"'{safe(text, 60)}'" if text else "nothing"


def asked(playbook: Playbook, incident: Incident, settings: Mapping[str, str]) -> tuple[tuple[Variable, str], ...]:
    """The variables that the operator must answer, each with the value that is proposed: those without a source, and
    those whose source says nothing, or something that is not of their type."""
    found = []
    for variable in playbook.variables:
        value = _sourced(variable, incident, settings)
        if not (_fits(variable, value) or (variable.source and not value and variable.default)):
            found.append((variable, variable.default))
    return tuple(found)


def values(
    playbook: Playbook, incident: Incident, answers: Mapping[str, str], settings: Mapping[str, str]
) -> dict[str, str]:
    """What each variable stands for: the operator's answer, else what its source says, else its default. Raises
    ValueError with one line."""
    unknown = sorted(set(answers) - {variable.name for variable in playbook.variables})
    if unknown:
        names = ", ".join(variable.name for variable in playbook.variables) or "none"
        raise ValueError(f"{playbook.name} has no variable {_shown(unknown[0])}; its variables: {names}")
    found: dict[str, str] = {}
    for variable in playbook.variables:
        answer = answers.get(variable.name, "").strip()
        value = answer or _sourced(variable, incident, settings) or variable.default
        if not value:
            raise ValueError(f"{variable.name} has no value: {variable.ask or 'it must be answered'}")
        try:
            found[variable.name] = fit(variable, value)
        except ValueError as error:
            source = "" if answer or not variable.source else f" ({variable.source} says so: answer it yourself)"
            raise ValueError(f"{error}{source}") from None
    return found


def _fits(variable: Variable, value: str) -> bool:
    try:
        return bool(fit(variable, value))
    except ValueError:
        return False


def _sourced(variable: Variable, incident: Incident, settings: Mapping[str, str]) -> str:
    """What the source of a variable says; empty for nothing."""
    scheme, _, name = variable.source.partition(".")
    value = ""
    if scheme == "incident" and name in INCIDENT_FIELDS:
        value = str(getattr(incident, name))
    elif scheme == "alert":
        labels = (dict(alert.labels).get(name) or (name == "alertname" and alert.name) for alert in incident.alerts)
        value = next((label for label in labels if label), "")
    elif scheme == "config":
        value = settings.get(name, "")
    if variable.type is _T.TEXT:
        return safe(" ".join(value.split()), LONGEST)
    return value


# --- places ----------------------------------------------------------------------------------------------------------


def used(template: str) -> tuple[str, ...]:
    """The names of the variables that stand in a template."""
    return tuple(_USE.findall(template)) if "{{" in template else ()


def judge(place: Place, template: str, variables: Mapping[str, Variable]) -> None:
    """Raises Unfit when a variable stands where it may not: nothing is left to find out when a run starts but the
    values themselves. `variables` are those of the playbook; those of every playbook are known."""
    for name in used(template):
        variable = variables.get(name) or BUILT_IN.get(name)
        if variable is None:
            known = ", ".join((*variables, *BUILT_IN))
            raise Unfit(f"the unknown variable {_shown(name)}", known)
        if place is not Place.WORDS and _loose(variable):
            what = "of type text" if variable.type is _T.TEXT else f"from {variable.source}"
            raise Unfit(
                f"{{{{{name}}}}}, a variable {what}, in {place}", "one of another type: a text is only for words"
            )
    lookup = {**BUILT_IN, **variables}
    if place is Place.URL:
        _judge_url(template, lookup)
    elif place is Place.QUERY and used(template):
        _judge_query(template, lookup)


def _loose(variable: Variable) -> bool:
    """Whether its value may be any text."""
    return variable.type is _T.TEXT or variable.source == "incident.title"


def fill(place: Place, template: str, values: Mapping[str, str]) -> str:
    """The template with its values put in. `values` holds those of every variable that stands in it, each of its type.
    Raises ValueError, with one line, when a value would change what the place means."""
    if "{{" not in template or not _USE.search(template):
        return template
    if place not in (Place.WORDS, Place.TYPED):
        _names(template, values)
    if place is Place.URL:
        return _filled_url(template, values)
    if place is Place.QUERY:
        return _filled_query(template, values)
    filled = _put(template, lambda name: values[name])
    if place is Place.WORDS:
        return safe(filled, LIMIT)
    if place is Place.ARGUMENT and filled.startswith("-") and not template.startswith("-"):
        raise ValueError(f"the argument {_shown(template)} would be an option: {_shown(filled)}")
    return filled


def _names(template: str, values: Mapping[str, str]) -> None:
    """What every playbook has is a name, too, where a machine reads it; the target is two of them."""
    for name in used(template):
        if name in BUILT_IN:
            for part in values[name].split("/", 1) if name == "target" else (values[name],):
                fit(BUILT_IN[name], part)


def _put(template: str, value: Callable[[str], str]) -> str:
    return _USE.sub(lambda found: value(found[1]), template)


_URL = re.compile(r"(https?://)([^/?#]*)([^?#]*)((?:\?[^#]*)?)")
_AUTHORITY = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_-]*)\s*\}\}(:[1-9][0-9]{0,4})?")


def _judge_url(template: str, variables: Mapping[str, Variable]) -> None:
    expected = "an http or https URL without credentials or fragment"
    whole = _USE.fullmatch(template)
    if whole is not None:
        variable = variables[whole[1]]
        if variable.type is not _T.URL:
            raise Unfit(f"{template}, a variable of type {variable.type}, as the whole URL", "one of type url")
        _judge_origin(variable)
        return
    found = _URL.fullmatch(template)
    if found is None or not _address(_put(template, lambda name: "x")):
        raise Unfit(_shown(template), expected)
    _, authority, path, query = found.groups()
    if used(authority):
        alone = _AUTHORITY.fullmatch(authority)
        if alone is None or variables[alone[1]].type is not _T.HOST:
            raise Unfit(
                f"{_shown(authority)} as the host of a URL", "a variable of type host alone, or with :PORT after it"
            )
        _judge_origin(variables[alone[1]])
    for name in used(path + query):
        if variables[name].type is _T.URL:
            raise Unfit(f"{{{{{name}}}}}, a variable of type url, in a part of a URL", "it as the whole URL alone")


def _judge_origin(variable: Variable) -> None:
    """An alert comes from anywhere: it may choose among our hosts, and not send us to another."""
    if variable.source.startswith("alert.") and not variable.pattern:
        raise Unfit(
            f"a host that {variable.source} chooses, without a pattern", f"a `pattern` that {variable.name} must match"
        )


def _filled_url(template: str, values: Mapping[str, str]) -> str:
    whole = _USE.fullmatch(template)
    if whole is not None:
        return values[whole[1]]
    found = _URL.fullmatch(template)
    if found is None:
        raise ValueError(f"{_shown(template)} is no http or https URL")
    scheme, authority, path, query = found.groups()
    alone = _AUTHORITY.fullmatch(authority)
    if alone is not None:
        host = values[alone[1]]
        # A port in the URL replaces the value's own: an alert's `instance` names that of the exporter.
        authority = f"{_host_and_port(host)[0]}{alone[2]}" if alone[2] else host

    def piece(name: str) -> str:
        return quote(values[name], safe="")

    segments = []
    for segment in path.split("/"):
        filled = _put(segment, piece)
        if filled in (".", "..") and filled != segment:
            raise ValueError(f"{_shown(filled)} in a URL's path would lead elsewhere")
        segments.append(filled)
    return f"{scheme}{authority}{'/'.join(segments)}{_put(query, piece)}"


_PIECE = re.compile(
    r"""  "(?:[^"\\\n]|\\.)*"  |  '(?:[^'\\\n]|\\.)*'  |  `[^`]*`  |  \#[^\n]*  |  [^"'`#]+  |  ["'`]  """, re.VERBOSE
)
_SPECIAL = re.compile(r"[^A-Za-z0-9_]")


def pieces(query: str) -> list[str]:
    """A PromQL expression cut into strings, comments and what is between them. A quote that is never closed is a piece
    of its own."""
    return _PIECE.findall(query)


def one_line(query: str) -> str:
    """A PromQL expression on one line, without its comments. Raises Unfit when a quote is never closed."""
    found: list[str] = []
    for piece in pieces(query):
        if piece in ('"', "'", "`"):
            raise Unfit("a quote that is never closed", "its other end")
        if piece[0] in "\"'`":
            if "\n" in piece:
                raise Unfit("a line break in a quoted text", "it on one line")
            found.append(piece)
        elif piece[0] != "#":
            blank = piece[0].isspace() and found and found[-1][-1] == " "  # before a comment
            found.append(re.sub(r"\s+", " ", piece.lstrip() if blank else piece))
    return "".join(found).strip()


def _judge_query(template: str, variables: Mapping[str, Variable]) -> None:
    before = ""
    for piece in pieces(template):
        for name in used(piece):
            if piece[0] in "\"'" and not before.rstrip().endswith(("=", "=~", "!~")):
                # Such as an argument of label_replace, where it would be a regular expression.
                found = f"{{{{{name}}}}} in a quoted text that no matcher compares with"
                raise Unfit(found, 'it as in {label="..."} or {label=~"..."}')
            if piece[0] == "`":
                raise Unfit(f"{{{{{name}}}}} between ` and `, where nothing can be escaped", "it between double quotes")
            if piece[0] not in "\"'" and variables[name].type not in _NUMBERS:
                kind = variables[name].type
                raise Unfit(
                    f"{{{{{name}}}}}, a variable of type {kind}, outside of quotes in a query", "quotes around it"
                )
        if piece[0] not in "\"'" and re.search(r"[A-Za-z0-9_:.]\{\{|\}\}[0-9_:.{]", piece) and used(piece):
            raise Unfit(f"a variable within a word: {_shown(piece)}", "a number of its own")
        before = piece if piece[0] != "#" else before


def _filled_query(template: str, values: Mapping[str, str]) -> str:
    found = []
    before = ""
    for piece in pieces(template):
        mark = piece[0]
        if mark in "\"'":
            matched = before.rstrip().endswith(("=~", "!~"))
            found.append(_put(piece, lambda name, mark=mark, matched=matched: _escaped(values[name], mark, matched)))  # type: ignore[misc]
        else:
            found.append(_put(piece, lambda name: _number(values[name])))
        before = piece if mark != "#" else before
    return "".join(found)


def _escaped(value: str, mark: str, matched: bool) -> str:
    """A value within a quoted text; within a regular expression, it stands for itself there too."""
    if matched:
        value = _SPECIAL.sub(lambda found: "\\" + found[0] if found[0].isascii() else found[0], value)
    return value.replace("\\", "\\\\").replace(mark, "\\" + mark)


def _number(value: str) -> str:
    """A number between operators: one below zero is a piece of its own."""
    return f"({value})" if value.startswith("-") else value


# --- a whole playbook ------------------------------------------------------------------------------------------------


def bound(
    playbook: Playbook, incident: Incident, answers: Mapping[str, str], settings: Mapping[str, str]
) -> tuple[Playbook, dict[str, str]]:
    """The playbook with every variable filled in, and what the variables stand for.

    `settings` are the variables of console.yaml. Raises ValueError, with one line, for an answer that is missing,
    unknown or not of its variable's type.
    """
    found = values(playbook, incident, answers, settings)
    known = found | {
        "target": incident.target,
        "service": incident.service,
        "environment": incident.environment,
        "incident": incident.label,
    }
    steps = tuple(_step(step, known) for step in playbook.steps)
    checklists = tuple(
        replace(
            item,
            title=fill(Place.WORDS, item.title, known),
            pause_point=fill(Place.WORDS, item.pause_point, known),
            completion_call=fill(Place.WORDS, item.completion_call, known),
        )
        for item in playbook.checklists
    )
    return replace(playbook, steps=steps, checklists=checklists), found


def _step(step: Step, known: Mapping[str, str]) -> Step:
    def words(template: str) -> str:
        return fill(Place.WORDS, template, known)

    probe = _probe(step.probe, known) if step.probe is not None else None
    verify = _check(step.verify, known) if step.verify is not None else None
    if probe is not None and step.probe is not None and verify is not None and verify.reading == step.probe.reading:
        verify = replace(verify, reading=probe.reading)
    return replace(
        step,
        title=words(step.title),
        challenge=words(step.challenge),
        response=words(step.response),
        undo=words(step.undo),
        confirm=fill(Place.TYPED, step.confirm, known),
        look_at=tuple(_check(check, known) for check in step.look_at),
        verify=verify,
        options=tuple(_option(option, known) for option in step.options),
        probe=probe,
        program=_program(step.program, known) if step.program is not None else None,
        notice=replace(step.notice, text=words(step.notice.text)) if step.notice is not None else None,
    )


def _check(check: Check, known: Mapping[str, str]) -> Check:
    if not check.expr or "{{" not in check.expr:
        return check
    expr = fill(Place.QUERY, check.expr, known)
    return replace(check, reading=check.reading.replace(check.expr, expr), expr=expr)


def _option(option: Option, known: Mapping[str, str]) -> Option:
    when = _check(option.when, known) if option.when is not None else None
    return replace(option, label=fill(Place.WORDS, option.label, known), when=when)


def _probe(probe: Probe, known: Mapping[str, str]) -> Probe:
    return replace(probe, url=fill(Place.URL, probe.url, known), contains=fill(Place.PLAIN, probe.contains, known))


def _program(program: Program, known: Mapping[str, str]) -> Program:
    return replace(
        program,
        argv=tuple(fill(Place.ARGUMENT, item, known) for item in program.argv),
        set_env=tuple((name, fill(Place.PLAIN, item, known)) for name, item in program.set_env),
        dry_run=tuple(fill(Place.ARGUMENT, item, known) for item in program.dry_run),
    )
