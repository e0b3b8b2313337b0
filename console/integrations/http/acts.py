"""Requests that change something: what their failures mean to whoever would try again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.integrations.http.server import Answer, Http, Unanswered
from console.ports import Busy, NotThere, Rejected, Uncertain

BUSY_SECONDS, LONGEST_BUSY_SECONDS = 30.0, 3600.0
"""How long a server that is asked too often is left alone when it does not say, and at most."""
SAFE = ("GET", "HEAD")
PASSING = (408, 425)
"""Refusals of a moment: a time-out and "too early"."""
GONE = (404, 410)


def act(
    http: Http, method: str, path: str = "", *, words: Callable[[Answer], str] = lambda _: "", **options: Any
) -> Answer:
    """One request, of which a repetition may matter; takes what `Http.start` takes. The answer is 200 to 299. `words`
    finds the server's own words in one that is not.

    Raises Uncertain when the request went out and no whole answer came, Busy (429), Rejected (400 to 499 otherwise:
    the same again would be refused again; NotThere for what there is not), SourceError for everything that may pass.
    """
    try:
        answer = http.ask(method, path, **options)
    except Unanswered as error:
        if error.sent and method not in SAFE:
            raise Uncertain(f"{error}; it may or may not have been carried out") from None
        raise
    if answer.good:
        return answer
    refusal = http.refusal(answer, words(answer))
    if answer.status == 429:
        seconds = float(answer.retry_after) if answer.retry_after.isdecimal() else BUSY_SECONDS
        raise Busy(str(refusal), min(seconds, LONGEST_BUSY_SECONDS))
    if 400 <= answer.status <= 499 and answer.status not in PASSING:
        kind = NotThere if answer.status in GONE else Rejected
        raise kind(str(refusal))
    refusal.sent = True
    raise refusal
