"""Without a screen: a report once, or a line for every change until a signal comes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.engine.console import Console
    from console.model.board import Board

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def once(console: Console) -> Board:
    """Asks every source once, takes no lease, and stops. The Board."""
    try:
        await console.open()
        await console.ask()
        return console.board
    finally:
        await console.stop()


async def follow(console: Console, shown: Callable[[Board], None]) -> int:
    """Runs a console, calling `shown` with every Board, until a signal comes. 128 + its number."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(number: int) -> None:
        if not stopped.done():
            stopped.set_result(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, stop, number)
    console.subscribe(shown)
    await console.start()
    try:
        return 128 + await stopped
    finally:
        await console.stop()
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def teller(say: Callable[[Board, str], None]) -> Callable[[Board], None]:
    """Calls `say` with every change from Board to Board, the first Board's facts included."""
    from console.reports.changes import changes

    before: Board | None = None

    def shown(board: Board) -> None:
        nonlocal before
        lines, before = changes(before, board), board
        for line in lines:
            say(board, line)

    return shown
