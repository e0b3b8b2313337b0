"""The certificate of a decision, as data and as Markdown, and whether a file says what the record says.

It is made of its event alone: the same record gives the same bytes, on whichever day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from console.model import events as ev
from console.model.decision import Answer, Attestation, Decision, step
from console.model.events import Recorded
from console.model.events.decision import Condition, Finding
from console.model.fold.decisions import certified
from console.reports.render import render
from console.reports.timeline import day, mark
from console.reports.values import Json, dump, instant, number

SHOWN = 12
"""How many differences are said; the others are counted."""
KEY = 60
"""Characters of a key in a sentence."""
_ANCHOR = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})")
_LINE = re.compile(r"^Record: ([0-9]{1,15}:[0-9a-f]{64})$", re.MULTILINE)

_WORDS = {
    Answer.GO: "go: every required criterion is a pass",
    Answer.HOLD: "hold: a required criterion is unknown",
    Answer.NO_GO: "no-go: a required criterion fails",
}


def document(recorded: Recorded) -> Json:
    """The certificate that an event records. Raises TypeError for another event."""
    event = recorded.payload
    if not isinstance(event, ev.DecisionCertified):
        raise TypeError(recorded.kind)
    decision = certified(recorded, event)
    return {
        "id": decision.label,
        "uuid": decision.id,
        "mode": recorded.mode,
        "status": event.status,
        "verdict": event.verdict,
        "at": instant(recorded.occurred_at),
        "expires_at": instant(decision.expires_at) if decision.allows else None,
        "by": {"name": recorded.actor.name, "login": recorded.actor.login, "said": str(recorded.actor)},
        "scope": {
            "target": event.target,
            "rollout": event.rollout,
            "revision": event.revision,
            "from_percent": number(event.from_percent),
            "to_percent": number(event.to_percent),
            "plan_hash": event.plan_hash,
            "slo_hash": event.slo_hash,
        },
        "override": event.override,
        "second": event.second,
        "break_glass": event.break_glass,
        "dissent": event.dissent,
        "rollback_minutes": None if event.p95_minutes is None else number(event.p95_minutes),
        "findings": [finding_data(item) for item in event.findings],
        "conditions": [condition_data(item) for item in event.conditions],
        "rests_on": event.head,
        "anchor": f"{recorded.seq}:{recorded.hash}" if recorded.saved else "",
    }


def finding_data(item: Finding) -> Json:
    """One criterion as it was found."""
    return {
        "name": item.name,
        "title": item.title,
        "kind": item.kind,
        "domain": item.domain,
        "required": item.required,
        "outcome": item.outcome,
        "evidence": item.evidence,
        "value": None if item.value is None else number(item.value),
        "query": item.query,
        "source": item.source,
        "at": instant(item.at),
        "expires_at": instant(item.expires_at),
        "waived": item.waived,
    }


def condition_data(item: Condition) -> Json:
    """What must still happen."""
    return {"text": item.text, "owner": item.owner, "due": instant(item.due)}


def attestation_data(item: Attestation) -> Json:
    """What a person said of a criterion."""
    return {
        "criterion": item.criterion,
        "by": str(item.by),
        "at": instant(item.at),
        "holds": item.approved,
        "link": item.link,
        "note": item.note,
        "phase": None if item.phase is None else number(item.phase),
        "role": item.role,
        "expires_at": instant(item.expires_at),
    }


def listed(item: Decision, now: datetime) -> Json:
    """A decision in a list. `stands`: it has not expired; whether it fits the rollout is said when it is used."""
    return {
        "id": item.label,
        "uuid": item.id,
        "at": instant(item.at),
        "by": str(item.by),
        "status": item.status.value,
        "verdict": item.verdict,
        "from_percent": number(item.from_percent),
        "to_percent": number(item.to_percent),
        "expires_at": instant(item.expires_at) if item.allows else None,
        "stands": item.allows and now < item.expires_at,
        "conditions": [condition_data(one) for one in item.conditions],
        "override": item.override,
    }


def markdown(data: Json) -> str:
    """The certificate for people."""
    scope = data["scope"]
    try:
        verdict = _WORDS[Answer(data["verdict"])]
    except ValueError:  # of a record that a later program has written
        verdict = data["verdict"]
    return render(
        "decision.md.j2",
        **{**data, "verdict": verdict},
        step=step(scope["from_percent"], scope["to_percent"]),
        mark=mark,
        day=day,
    )


# -- whether a file says what the record says -------------------------------------------------------------------------


def anchor_of(text: str) -> tuple[int, str] | None:
    """The seq and the hash of the event that a certificate's file is about; None where it names none."""
    data = _parsed(text)
    if data is not None:
        said = str(data.get("anchor", ""))
    else:
        lines = _LINE.findall(text)
        said = lines[-1] if lines else ""
    found = _ANCHOR.fullmatch(said)
    return (int(found[1]), found[2]) if found is not None else None


def differences(text: str, recorded: Recorded) -> tuple[str, ...]:
    """What a file says otherwise than the record; empty when each byte is the same."""
    data = document(recorded)
    found = _parsed(text)
    if found is not None:
        if text in (dump(data), dump(data) + "\n"):
            return ()
        return _few(_unlike(found, json.loads(dump(data)), "")) or ("its layout: the same data in other bytes",)
    return _few(_lines(text, markdown(data)))


def _parsed(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _unlike(file: Any, record: Any, path: str) -> Iterator[str]:
    if isinstance(file, dict) and isinstance(record, dict):
        for key in sorted({*file, *record}):
            shown = str(key) if len(str(key)) <= KEY else f"{str(key)[: KEY - 1]}…"
            where = f"{path}.{shown}" if path else shown
            if key not in file:
                yield f"{where}: missing in the file, {_short(record[key])} in the record"
            elif key not in record:
                yield f"{where}: {_short(file[key])} in the file, nothing in the record"
            else:
                yield from _unlike(file[key], record[key], where)
    elif isinstance(file, list) and isinstance(record, list) and len(file) == len(record):
        for index, (one, other) in enumerate(zip(file, record, strict=True)):
            yield from _unlike(one, other, f"{path}[{index}]")
    elif type(file) is not type(record) or file != record:
        yield f"{path}: {_short(file)} in the file, {_short(record)} in the record"


def _lines(file: str, record: str) -> Iterator[str]:
    if file == record:
        return
    ours, theirs = record.splitlines(), file.splitlines()
    seen = False
    for number_ in range(max(len(ours), len(theirs))):
        here = theirs[number_] if number_ < len(theirs) else None
        there = ours[number_] if number_ < len(ours) else None
        if here != there:
            seen = True
            yield f"line {number_ + 1}: {_short(here)} in the file, {_short(there)} in the record"
    if not seen:
        yield "its line ends: the same text in other bytes"


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=True, default=str)
    return repr(text if len(text) <= 160 else text[:159] + "…")


def _few(found: Iterable[str]) -> tuple[str, ...]:
    every = list(found)
    more = len(every) - SHOWN
    return (*every[:SHOWN], f"and {more} more") if more > 0 else tuple(every)
