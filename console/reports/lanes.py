"""The time lane of an incident: exact instants as data, and as text of fixed width that a person reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from console.model.events import Recorded
from console.reports.history import BEFORE
from console.reports.render import Fixed
from console.reports.values import Json, instant
from console.view.lane import LEGEND, Kind, Moment, axis, lanes, moments, within
from console.view.line import words
from console.view.look import ASCII, Look

COLUMNS = 88
"""Cells of a lane in a document."""
LEAST = timedelta(minutes=10)


def document(events: Sequence[Recorded], began: datetime, beside: Iterable[Recorded] = ()) -> Json:
    """Every mark from an hour before the incident began to its last event; `beside` is what else was recorded in that
    time, such as the phases of the rollout."""
    start = began - BEFORE
    end = max([began + LEAST, *(item.occurred_at for item in events)])
    known = {item.id for item in events}
    found = moments([*events, *(item for item in beside if item.id not in known)])
    return {
        "from": instant(start),
        "to": instant(end),
        "marks": [
            {
                "at": instant(moment.at),
                "lane": moment.kind.value,
                "mark": moment.mark,
                "what": moment.what,
                "who": moment.who,
                "seq": moment.seq,
                "source": moment.source,
            }
            for moment in within(found, start, end)
        ],
    }


def drawn(data: Json) -> Fixed:
    """The lanes under their axis, and what the marks mean, to be fenced. Nothing in it is foreign text."""
    start, end = (datetime.fromisoformat(data[key]) for key in ("from", "to"))
    found = [
        Moment(str(index), datetime.fromisoformat(item["at"]), Kind(item["lane"]), item["mark"], item["what"])
        for index, item in enumerate(data["marks"])
    ]
    look = Look(ASCII)
    rows = [axis(start, end, COLUMNS, look), *lanes(found, start, end, COLUMNS, look)]
    return Fixed("\n".join([*(words(row).rstrip() for row in rows), "", *LEGEND]))
