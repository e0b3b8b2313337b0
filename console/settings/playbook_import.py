"""A Markdown runbook becomes a playbook's file. What a runbook does not say is marked for a person to fill in."""

from __future__ import annotations

import json
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from console.model.people import Severity
from console.model.text import safe
from console.settings.playbook.reader import MOST
from console.settings.problems import without_secrets
from console.settings.runbook import Draft, Runbook, Section, read_runbook, title_of

PLACEHOLDER = "TODO"
"""What begins with it is for a person to say: `oncall playbook lint` finds it."""
RESPONSE = f"{PLACEHOLDER}: the value that answers this"
OWNER = f"{PLACEHOLDER}: who keeps this playbook right"
UNREVIEWED = "1970-01-01"
"""The day of a review that never was."""
LONGEST = 3_500
"""Characters of one step's text. A longer text goes on in the next step."""
LARGEST, LINES = 1_000_000, 20_000
"""Characters of a runbook, and its lines."""
_NAME = 40
_WORDS = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])
_WIDTH = 110


@dataclass(slots=True)
class _Checklist:
    id: str
    title: str
    section: Section
    steps: list[tuple[str, Draft]] = field(default_factory=list)


def imported(text: str, file: str, name: str = "") -> str:
    """The YAML of the playbook that a runbook makes, the same each time. `file` is what the runbook is called; `name`
    is the playbook's, else it is made of the file's.

    Raises ValueError, in words, for a text with nothing to do in it.
    """
    if len(text) > LARGEST:
        raise ValueError(f"more than {LARGEST} characters")
    if text.count("\n") + text.count("\r") > LINES:
        raise ValueError(f"more than {LINES} lines")
    runbook = read_runbook(text)
    lists = _Arranged(runbook).lists
    if not lists:
        raise ValueError("no heading, no item and no text")
    stem = file.rpartition("/")[2].partition(".")[0]
    name = name or _unique(slug(stem) or runbook.title, "imported", {})
    return "\n".join(_document(runbook, lists, file, name)) + "\n"


def slug(text: str) -> str:
    """An identifier made of a text: lower-case letters, digits and hyphens; empty when it has none of them."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", text)  # KubeAPIDown is kube-api-down
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    found = ""
    for word in words:
        if found and len(found) + len(word) >= _NAME:
            break
        found = f"{found}-{word}" if found else word[:_NAME]
    return found


class _Arranged:
    """The sections of a runbook as checklists, and their steps with ids."""

    def __init__(self, runbook: Runbook) -> None:
        self.lists: list[_Checklist] = []
        self._ids: dict[str, int] = {}
        self._list_ids: dict[str, int] = {}
        self._known: set[int] = set()
        """The sections that have a list, by `id`: they are kept by the runbook."""
        self._title = runbook.title or "Runbook"
        self._section(runbook.root, ())

    def _section(self, section: Section, above: tuple[Section, ...]) -> None:
        if section.level and section.prose:
            draft = section.steps[0] if section.steps else Draft(section.title, [section.title])
            self._put(above[-1], above[:-1], draft)
            return
        for draft in section.steps:
            self._put(section, above, draft)
        for child in section.children:
            self._section(child, (*above, section))

    def _put(self, section: Section, above: tuple[Section, ...], draft: Draft) -> None:
        if not self.lists or self.lists[-1].section is not section:
            names = [item.title for item in (*above, section) if item.title]
            title = ": ".join(names) or self._title
            if id(section) in self._known:
                title += " (continued)"
            self._known.add(id(section))
            checklist_id = _unique(names[-1] if names else "start", "part", self._list_ids)
            self.lists.append(_Checklist(checklist_id, title, section))
        for part in _parts(draft):
            if len(self._ids) == MOST:
                raise ValueError(f"more than {MOST} steps: import it in parts")
            self.lists[-1].steps.append((_unique(part.title, "step", self._ids), part))


def _unique(title: str, otherwise: str, known: dict[str, int]) -> str:
    """An identifier that is not among the known ones. Of each, they hold the last number that was put behind it."""
    wanted = slug(title) or otherwise
    if wanted.isdecimal() or wanted in _WORDS:
        wanted = f"{otherwise}-{wanted}"  # YAML would take it for something else than a text
    found, number = wanted, known.get(wanted, 0)
    while found in known:
        number += 1
        found = f"{wanted}-{number + 1}"
    known[wanted] = number
    known.setdefault(found, 0)
    return found


def _parts(draft: Draft) -> Iterator[Draft]:
    """A step whose text is too long goes on in further ones; the last has the response."""
    title, text = _clean(draft.title) or title_of(_clean(draft.text)) or "Step", _clean(draft.text) or draft.title
    within = f"({_clean(draft.within)}) " if draft.within else ""
    pieces = textwrap.wrap(text, LONGEST, break_on_hyphens=False)
    for number, piece in enumerate(pieces, 1):
        last = number == len(pieces)
        named = title if len(pieces) == 1 else f"{title} ({number} of {len(pieces)})"
        response = (_clean(draft.response) or RESPONSE) if last else "Read"
        yield Draft(named, [within + piece], response)


def _clean(text: str) -> str:
    """As a playbook may hold it: on one line, without secrets, and with nothing in it that would stand for a
    variable."""
    text = without_secrets(" ".join(safe(text, len(text) + 1).split()))
    return text.replace("{{", "{ {").replace("}}", "} }")


# -- YAML -------------------------------------------------------------------------------------------------------------


def _document(runbook: Runbook, lists: list[_Checklist], file: str, name: str) -> Iterator[str]:
    yield f"# Made of {safe(file, 200)} by `oncall playbook import`."
    yield f"# The runbook does not say what {PLACEHOLDER} stands for, nor how long a step may take: you do."
    yield from (f"# | {_clean(line)}".rstrip() for line in runbook.matter)
    yield "apiVersion: oncall/v1"
    yield "kind: Playbook"
    yield ""
    yield f"name: {name}"
    yield f"title: {_quoted(_clean(runbook.title)[:200] or title_of(lists[0].steps[0][1].text) or name)}"
    yield f"severities: [{', '.join(Severity)}]  # {PLACEHOLDER}"
    yield f"owner: {_quoted(OWNER)}"
    yield f"reviewed: {UNREVIEWED}  # {PLACEHOLDER}: never"
    yield ""
    if len(lists) == 1 and lists[0].title == (runbook.title or "Runbook"):
        yield "steps:"
        yield from _steps(lists[0].steps, "  ")
        return
    yield "checklists:"
    for checklist in lists:
        yield f"  - id: {checklist.id}"
        yield f"    title: {_quoted(_clean(checklist.title))}"
        yield "    steps:"
        yield from _steps(checklist.steps, "      ")


def _steps(steps: Iterable[tuple[str, Draft]], indent: str) -> Iterator[str]:
    for number, (step_id, draft) in enumerate(steps):
        if number:
            yield ""
        yield f"{indent}- id: {step_id}"
        yield f"{indent}  title: {_quoted(draft.title)}"
        yield from _text(f"{indent}  ", "challenge", draft.text)
        yield from _text(f"{indent}  ", "response", draft.response)


def _text(indent: str, key: str, text: str) -> Iterator[str]:
    """A text as people write it: short ones in quotes, long ones folded."""
    quoted = f"{indent}{key}: {_quoted(text)}"
    if len(quoted) <= _WIDTH:
        yield quoted
        return
    yield f"{indent}{key}: >-"
    lines = textwrap.wrap(text, _WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False)
    yield from (f"{indent}  {line}" for line in lines)


def _quoted(text: str) -> str:
    """A text in double quotes, as YAML and JSON both read it."""
    return json.dumps(text, ensure_ascii=False)
