"""How a run begins: what the playbook wants to know is asked for; and what a run would do, without doing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from console.bootstrap.common import Options
from console.cli.exits import USAGE, Stop
from console.cli.plain_talk import Left, Talk
from console.cli.record import incident_of, reading
from console.cli.run_common import command_line

if TYPE_CHECKING:
    from console.model.playbook import LoadedPlaybook, Step


async def started(talk: Talk, loaded: LoadedPlaybook, incident_id: str, given: Sequence[tuple[str, str]]) -> str:
    """Asks for what the playbook wants to know, and starts a run. Its id."""
    from console.cli.record import submit
    from console.model.binding import asked
    from console.model.commands import StartRun

    incident = incident_of(talk.console.state, incident_id)
    answers = dict(given)
    for variable, proposed in asked(loaded.playbook, incident, talk.console.settings.variables):
        if variable.name not in answers:
            choices = f" ({', '.join(variable.choices)})" if variable.choices else f" ({variable.type})"
            default = f" [{proposed}]" if proposed else ""
            said = await talk.ask(f"{variable.ask or variable.name}{choices}{default}:")
            if said == "/quit":
                raise Left
            answers[variable.name] = said or proposed
    done = await submit(talk.console, StartRun(incident.id, loaded, tuple(answers.items())))
    run = talk.console.state.runs[done.subject]
    talk.say(f"{run.label} {run.playbook.title} on {run.target}, for {incident.label}")
    return run.id


def dry_run(options: Options, loaded: LoadedPlaybook, incident_id: str, given: Sequence[tuple[str, str]]) -> list[str]:
    """What a run would do, in lines. Nothing is written or asked."""
    from console.bootstrap import run
    from console.model.binding import bound

    async def work() -> list[str]:
        async with reading(options) as console:
            incident = incident_of(console.state, incident_id)
            try:
                playbook, values = bound(loaded.playbook, incident, dict(given), console.settings.variables)
            except ValueError as error:
                raise Stop(f"{error}; say it with --set NAME=VALUE", USAGE) from None
            found = [f"DRY RUN of {playbook.title} on {incident.target}, for {incident.label}: nothing is written"]
            found += [f"{name} = {value}" for name, value in values.items()]
            if loaded.untrusted:
                found.append(f"its programs would not run: {loaded.untrusted}")
            for number, step in enumerate(playbook.steps, 1):
                found += _would(step, number, incident.target)
            return found

    return run(work())


def _would(step: Step, number: int, target: str) -> Iterator[str]:
    box = f", {step.timebox.total_seconds() / 60:g} min" if step.timebox else ""
    yield f"{number}. {step.id}: {step.title} ({step.kind}, {step.owner}{box})"
    yield f"   {step.challenge}"
    if step.program is not None:
        yield f"   would run {command_line(step.program.argv)}"
        if step.program.cwd:
            yield f"   in {step.program.cwd}"
        if step.program.dry_run:
            yield f"   its own dry run: {command_line((*step.program.argv, *step.program.dry_run))}"
    if step.flag:
        yield f"   would set the flag {step.flag} to {step.percent:g} %"
    if step.notice is not None:
        yield f"   would tell {step.notice.channel}: {step.notice.text}"
    if step.probe is not None:
        yield f"   would ask {step.probe.method} {step.probe.url}"
    if step.call:
        yield f"   would run the playbook {step.call}"
    if step.verify is not None:
        yield f"   closes on {step.verify}"
    if step.confirm:
        yield f"   IRREVERSIBLE: {step.confirm.replace('{target}', target)} must be typed"
    for option in step.options:
        yield f"   option {option.id}: {option.label}" + (
            f", goes to {option.goto or option.playbook}" * bool(option.goto or option.playbook)
        )
