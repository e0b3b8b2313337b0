"""`oncall who`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from console.bootstrap.common import Options
from console.cli.exits import complain
from console.cli.feed import NOT_NEEDED
from console.cli.output import json_option, show
from console.cli.record import reading

if TYPE_CHECKING:
    from console.model.escalation import Reach
    from console.model.pager import OnCall
    from console.model.people import Person
    from console.settings.config import Config

Rota = Sequence[tuple[str, tuple["Reach", ...]]]


@click.command("who")
@click.option("--ask", "ask", is_flag=True, help="Ask PagerDuty now; else what the record kept of its last answer.")
@json_option
@click.pass_obj
def command(options: Options, ask: bool, as_json: bool) -> None:
    """Who is on call, how to reach them, and how old that knowledge is. Works when everything else is down."""
    from console.bootstrap import run
    from console.engine.rota import rota
    from console.reports.response import reach_data
    from console.reports.values import instant

    async def work() -> None:
        config, target, on_calls, at, now = await _known(options, ask)
        roles = list(rota(config.on_call, config.people, on_calls).items())
        here = [item for item in on_calls if not _placed(item, config)]
        data: dict[str, Any] = {
            "environment": target,
            "known_at": instant(at),
            "age_seconds": None if at is None else int((now - at).total_seconds()),
            "roles": [{"role": role, "people": [reach_data(item) for item in people]} for role, people in roles],
            "on_calls": [
                {
                    "policy": item.policy,
                    "level": item.level,
                    "person": item.person,
                    "schedule": item.schedule,
                    "until": instant(item.until),
                    "contacts": [{"way": way, "address": address} for way, address in item.contacts],
                }
                for item in on_calls
            ],
            "people": [
                {"name": person.name, "contacts": [{"way": way, "address": at_} for way, at_ in person.contacts]}
                for person in config.people
            ],
        }
        show(data, lambda: [*_lines(roles, here, config.people), _source(config, at, now)], as_json)

    run(work())


async def _known(options: Options, ask: bool) -> tuple[Config, str, tuple[OnCall, ...], datetime | None, datetime]:
    """The configuration, the environment, what PagerDuty said and when, and the time it is now. A journal that cannot
    be read leaves the names of people.yaml."""
    from console.bootstrap.common import configuration, environment
    from console.engine.clocks import SystemClock
    from console.ports import JournalUnusable

    config = configuration(options)
    target = environment(config, options).target
    try:
        async with reading(options, sources=ask) as console:
            known = console.state.on_call.get(str(target))
            on_calls, at = (known.on_calls, known.at) if known is not None else ((), None)
            if ask:
                await console.ask(without=NOT_NEEDED)
                pager = console.board.pager
                status = next((item for item in console.board.sources if item.name.startswith("pagerduty")), None)
                if pager is not None:
                    on_calls, at = pager.on_calls, pager.at
                else:
                    complain(f"note: PagerDuty: {status.error if status is not None else 'none is configured'}")
            return config, str(target), on_calls, at, console.board.at
    except JournalUnusable as error:
        complain(f"note: {error}; these are the names of people.yaml")
        return config, str(target), (), None, SystemClock().now()


def _placed(item: OnCall, config: Config) -> bool:
    """Whether one of the rota's roles shows it."""
    return any(role.schedule and role.schedule == item.schedule_id for role in config.on_call)


def _lines(roles: Rota, others: Sequence[OnCall], people: Sequence[Person]) -> Iterator[str]:
    from console.model.escalation import Reach, reach_of
    from console.view.escalation import contact
    from console.view.line import words

    shown = set()
    for role, holders in roles:
        for reach in holders or (None,):
            yield words(contact(role, reach)).rstrip()
            shown.add(reach.person if reach is not None else "")
    for item in others:
        ways = Reach(item.person, item.contacts, item.person_id)
        yield words(contact(f"{item.policy} {item.level}", ways)).rstrip()
        shown.add(item.person)
    for person in people:
        if person.name not in shown:
            yield words(contact("", reach_of(person))).rstrip()
    if not roles and not others:
        yield "NOBODY ON CALL: people.yaml names no rota, and PagerDuty said nothing"


def _source(config: Config, at: datetime | None, now: datetime) -> str:
    from console.view.times import span_of, stamp

    if at is None:
        return "Names and addresses: people.yaml. What PagerDuty says was never recorded here."
    return f"PagerDuty said so {span_of(now - at, seconds=True)} ago ({stamp(at)}); addresses first from people.yaml."
