"""A fault of ours, for the log: where it happened. Not its words and no values, which may hold a secret."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

_LOG = logging.getLogger("console.engine")


def note(what: str, error: BaseException) -> None:
    """Writes to the log where `error` came from, and what it came from. Whoever set up logging says which file."""
    _LOG.error("%s", "\n".join((what, *_frames(error))))


def _frames(error: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield f"  {type(link).__module__}.{type(link).__qualname__}, from:"
        for frame in traceback.extract_tb(link.__traceback__):
            yield f"    {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
        link = link.__cause__ or link.__context__
