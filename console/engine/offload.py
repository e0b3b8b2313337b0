"""Blocking work out of the loop's way."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any


async def in_thread(function: Callable[[], Any]) -> Any:
    """The answer, or the exception, of `function` run in a daemon thread of its own.

    Not asyncio's executor: leaving the program waits for its threads, and a source that hangs would hold up the exit.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(answer: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(answer)
        else:
            future.set_exception(error)

    def work() -> None:
        answer, error = None, None
        try:
            answer = function()
        except BaseException as raised:  # Carried over to whoever waits.
            error = raised
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(settle, answer, error)

    threading.Thread(target=work, daemon=True, name="oncall-source").start()
    return await future


async def in_place(function: Callable[[], Any]) -> Any:
    """For simulated time: nothing blocks there."""
    return function()
