"""The last words of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text


def plain(text: str) -> Text:
    """A line for the terminal that is left behind, harmless and without markup."""
    from rich.text import Text

    from console.model.text import safe

    return Text(safe(text))


def write_log(log: str, error: BaseException | None) -> None:
    """The traceback, without locals, into the log file, where there is one."""
    if not log or error is None:
        return
    import logging

    logging.getLogger("console.tui").error("the screen stopped", exc_info=error)
