"""A playbook carried out prompt by prompt: in a plain terminal, for a screen reader, in a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable

import click

from console.bootstrap.common import Options
from console.cli.output import json_option, show
from console.cli.plain_input import Lines
from console.cli.plain_session import Session
from console.cli.plain_talk import Talk
from console.cli.record import run_of
from console.cli.run_common import run_argument, shown

plain_option = click.option("--plain", is_flag=True, help="Prompt by prompt; there is no other way yet.")


@click.command("attach")
@run_argument
@plain_option
@json_option
@click.pass_context
def attach(ctx: click.Context, run_id: str, plain: bool, as_json: bool) -> None:
    """Go on with a run, prompt by prompt, from where it stands. With --json, what is asked goes to stderr."""

    async def found(talk: Talk) -> str:
        return run_of(talk.console.state, run_id).id

    ctx.exit(carry_out(ctx.obj, found, as_json))


def carry_out(options: Options, begin: Callable[[Talk], Awaitable[str]], as_json: bool) -> int:
    """Runs a console of its own, and prompts until the run that `begin` names has ended. The exit code."""
    from console.bootstrap import live, run

    async def work() -> int:
        console = live(options)
        lines = Lines()
        session = Session(console, lines, as_json)
        with contextlib.ExitStack() as stack:
            stopped = _stopped(stack)
            await console.read_playbooks()
            await console.start()
            try:
                code = await _first(session.work(begin), stopped)
                if code > 128:
                    session.talk.say("")
                session.leave()
                if as_json and session.root:
                    data, _ = shown(console, session.root)
                    show(data, "", as_json=True)
                return code
            finally:
                lines.close()
                await console.stop()

    return run(work())


def _stopped(stack: contextlib.ExitStack) -> asyncio.Future[int]:
    """Comes with the signal that ends the command."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def stop(number: int) -> None:
        if not stopped.done():
            stopped.set_result(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
        stack.callback(loop.remove_signal_handler, number)
    return stopped


async def _first(work: Awaitable[int], stopped: asyncio.Future[int]) -> int:
    task = asyncio.ensure_future(work)
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not stopped.done():
        return task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return stopped.result()
