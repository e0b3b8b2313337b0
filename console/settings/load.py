"""A configuration folder, from finding it to a `Config` in which every name leads somewhere."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from console.model.playbook import LoadedPlaybook, StepKind
from console.model.rollout import RolloutPlan
from console.model.rollout_plan import Risk
from console.settings import tree
from console.settings.config import Config
from console.settings.console_file import OPTIONAL, ConsoleFile, read_console
from console.settings.example import init, shipped
from console.settings.library import Library, Shelf
from console.settings.modes import judge_modes, judge_writers, written_by_others
from console.settings.nodes import Node, unique
from console.settings.people_file import PeopleFile, read_people
from console.settings.playbook.reader import read_playbook
from console.settings.problems import ConfigError, NoConfig, Problem, Problems, one_of, shown
from console.settings.references import Known, References
from console.settings.risks_file import read_risks
from console.settings.rollout_file import KINDS, read_rollout, rollout_readings
from console.settings.severity_file import read_severities
from console.settings.slo.guards import Guard
from console.settings.slo.reader import Levels, read_paths

T = TypeVar("T")

FILES = ("console.yaml", "people.yaml", "severity.yaml", "rollout.yaml", "risks.yaml")

__all__ = ["ConfigError", "NoConfig", "find", "init", "load", "shipped"]


def find(explicit: str | None, environ: Mapping[str, str]) -> Path:
    """The configuration folder: `--config`, else ONCALL_CONFIG, else ./config, else the user's own.

    A folder that was named must be one. Raises NoConfig, with one line that says where it was looked for.
    """
    for origin, named in (("--config", explicit), ("ONCALL_CONFIG", environ.get("ONCALL_CONFIG"))):
        if named:
            folder = Path(named).expanduser()
            if not os.path.isfile(folder / FILES[0]):
                raise NoConfig(f"{origin} {folder}: found no {FILES[0]} there, expected a configuration")
            return folder
    from platformdirs import user_config_path  # only a start without a named folder pays for it

    places = (Path("config"), user_config_path("oncall", appauthor=False))
    for place in places:
        if os.path.isfile(place / FILES[0]):
            return place
    where = ", ".join(("--config (not given)", "ONCALL_CONFIG (not set)", *(f"{place}/{FILES[0]}" for place in places)))
    raise NoConfig(f"found no configuration, expected one of: {where}; `oncall init DIR` writes an example")


def load(folder: Path, *, strict: bool = True) -> Config:
    """Reads a configuration folder; the playbooks that belong to it, once somebody asks for them.

    Raises ConfigError with every problem, the playbooks' ones among them. A playbook with a mistake raises nothing by
    itself unless `strict`: it is left out and said in `broken`. One file that somebody edits must not keep anybody from
    all the others.
    """
    if not os.path.isdir(folder):
        raise ConfigError((Problem(str(folder), 1, 1, "(folder)", "no such folder", "a configuration folder"),))
    problems = Problems()
    config, named = _without_playbooks(folder, problems)
    if strict or problems:
        playbooks = _playbooks(config, named, problems)
        problems.check()
        warnings = tuple(str(warning) for warning in problems.warnings)
        return replace(config, library=Library.of(*playbooks), own_warnings=warnings)
    return replace(config, library=Library(partial(_shelf, config, named)))


def gather(folder: Path, problems: Problems) -> Config | None:
    """Reads all files at once, and notes what is wrong in `problems`: the configuration then holds stand-ins, and the
    playbooks with a mistake. None where nothing of console.yaml could be read."""
    config, named = _without_playbooks(folder, problems)
    config = replace(config, library=Library.of(*_playbooks(config, named, problems)))
    return None if problems.unread(folder / FILES[0]) else config


def _shelf(config: Config, named: References) -> Shelf:
    """The playbooks of a configuration that is right otherwise."""
    problems = Problems()
    found = _playbooks(config, named, problems)
    broken = {problem.file for problem in problems.found}
    return Shelf(
        tuple(loaded for loaded in found if loaded.file not in broken),
        tuple(map(str, problems.found)),
        tuple(map(str, problems.warnings)),
    )


def _without_playbooks(folder: Path, problems: Problems) -> tuple[Config, References]:
    """All but the playbooks, and the names in use, those of playbooks among them."""
    references = References()
    _refuse_strays(folder, problems)
    main = _read(folder / FILES[0], read_console, problems)
    without = main.without if main else frozenset()
    people = _read(folder / FILES[1], read_people, problems) or PeopleFile()
    severities = _read(folder / FILES[2], lambda node: read_severities(node, references), problems) or ()
    rollout = None
    if "rollout" not in without or os.path.lexists(folder / FILES[3]):
        rollout = _rollout(folder / FILES[3], references, problems)
    risks: tuple[Risk, ...] = ()
    if os.path.lexists(folder / FILES[4]):  # a register that nobody keeps is no mistake
        risks = _read(folder / FILES[4], lambda node: read_risks(node, references), problems) or ()
    levels = _levels(folder / "slo", main, "slo" in without, problems)
    where = _playbook_folder(folder, main)
    config = Config(
        folder=folder,
        environments=main.environments if main else (),
        people=people.people,
        severities=severities,
        rollout=_guarded(rollout, levels.guards, "rollout" in without),
        objectives=levels.objectives,
        guards=tuple(item.item for item in levels.guards),
        on_call=people.on_call,
        teams=people.teams,
        roles=people.roles,
        playbook_folder=where,
        risks=risks,
    )
    if main is not None:
        config = replace(
            config,
            links=main.links,
            filters=main.filters,
            bell=main.bell,
            runbooks=main.runbooks,
            journal=main.journal,
            journal_group=main.journal_group,
            keys=main.keys,
            variables=main.variables,
        )
    _playbook_files(where, problems)
    _check(references, config, Known((), complete=False), problems)
    if not problems:
        judge_modes(folder, (where,), problems)
    return replace(config, own_warnings=tuple(str(warning) for warning in problems.warnings)), references


def _check(references: References, config: Config, playbooks: Known, problems: Problems) -> None:
    """Whether every name leads somewhere."""
    folder, rollout = config.folder, config.rollout
    guards = frozenset(guard.name for guard in config.guards)
    rules = (rule.name for rule in rollout.guardrails if rule.name not in guards) if rollout else ()
    components = (component for environment in config.environments for component in environment.components)
    references.check(
        roles=Known.of("", config.roles, folder / FILES[1], problems),
        playbooks=playbooks,
        readings={
            "guardrail": Known.of("guardrail.", rules, folder / FILES[3], problems).plus(
                Known.of("guardrail.", (guard.name for guard in config.guards), folder / "slo", problems)
            ),
            **{
                kind: Known.of("", names, folder / FILES[3], problems)
                for kind, names in (rollout_readings(rollout) if rollout else dict.fromkeys(KINDS, ())).items()
            },
            "health": Known.of("health.", (component.name for component in components), folder / FILES[0], problems),
            "slo": Known.of("slo.", (f"{item.name}.burn" for item in config.objectives), folder / "slo", problems),
        },
    )
    on_call = Known.of("", (role.name for role in config.on_call), folder / FILES[1], problems)
    references.check_ladders(config.on_call, on_call)
    if rollout is not None and rollout.flag:
        references.check_flags(rollout.flag)
    if not problems.unread(folder / FILES[0]):
        channels = (name for environment in config.environments for name in environment.notify.channels)
        references.check_channels(Known(tuple(dict.fromkeys(channels))))
        references.check_settings(config.variables, Known(tuple(config.variables)))


def _read(path: Path, reader: Callable[[Node], T], problems: Problems) -> T | None:
    """What `reader` makes of a file that holds one document."""
    return _read_bytes(path, lambda node, _: reader(node), problems)


def _read_bytes(path: Path, reader: Callable[[Node, bytes], T], problems: Problems) -> T | None:
    """The same with the file's bytes."""
    documents, data = tree.read(path, problems)
    for extra in documents[1:]:
        Node(str(path), extra, problems).refuse("a second document", "one in this file")
    return reader(Node(str(path), documents[0], problems), data) if documents else None


def _rollout(path: Path, references: References, problems: Problems) -> RolloutPlan | None:
    def read(node: Node, data: bytes) -> RolloutPlan:
        return read_rollout(node, references, f"sha256:{hashlib.sha256(data).hexdigest()}")

    return _read_bytes(path, read, problems)


def _refuse_strays(folder: Path, problems: Problems) -> None:
    """A file that nothing reads is a file somebody relies on."""
    for path in yaml_files(folder, problems):
        if path.name not in FILES:
            found = "a file that nothing reads"
            problems.add(Problem(str(path), 1, 1, "(file)", found, one_of(FILES, f"{path.stem}.yaml")))


def yaml_files(folder: Path, problems: Problems) -> list[Path]:
    """The YAML files that lie in a folder and are not hidden, by name."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        found = f"a folder that cannot be read ({error.strerror})"
        problems.add(Problem(str(folder), 1, 1, "(folder)", found, "a folder of YAML files"))
        return []
    return [folder / name for name in names if name.endswith((".yaml", ".yml")) and not name.startswith(".")]


def _levels(folder: Path, main: ConsoleFile | None, without: bool, problems: Problems) -> Levels:
    if not os.path.isdir(folder):
        if not without:
            expected = f"a folder of OpenSLO files, or `without: [{OPTIONAL[1]}]` in {FILES[0]}"
            problems.add(Problem(str(folder), 1, 1, "(folder)", "no such folder", expected))
        return Levels()
    found = read_paths(yaml_files(folder, problems), problems)
    services = sorted({item.target.service for item in main.environments}) if main else []
    for item in found.found:
        service = item.objective.service
        if services and service not in services and item.service.present:
            item.service.refuse(f"the unknown service {shown(service)}", one_of(services, service))
    return found


def _guarded(rollout: RolloutPlan | None, guards: Sequence[Guard], without: bool) -> RolloutPlan | None:
    """The rollout with the guardrails and invariants of slo/ behind its own."""
    if rollout is None:
        for guard in guards if without else ():
            guard.name.refuse("a guard without a rollout", f"a {FILES[3]} that says what it guards")
        return None
    for guard in guards:
        place = guard.rollout
        if place.present and place.tree.text and place.tree.text != rollout.name and rollout.name:
            place.refuse(f"the unknown rollout {shown(place.tree.text)}", one_of((rollout.name,), place.tree.text))
        if any(rule.name == guard.rule.name for rule in rollout.guardrails):
            guard.name.refuse(f"{shown(guard.rule.name)}, which is a guardrail of {FILES[3]}", "a name of its own")
    return replace(rollout, guardrails=(*rollout.guardrails, *(guard.rule for guard in guards)))


def _playbook_folder(folder: Path, main: ConsoleFile | None) -> Path:
    if main is not None and main.playbooks is not None:
        return main.playbooks
    own = folder / "playbooks"
    return own if os.path.lexists(own) else shipped("playbooks")


def _playbook_files(folder: Path, problems: Problems) -> list[Path]:
    if os.path.isdir(folder):
        return yaml_files(folder, problems)
    problems.add(Problem(str(folder), 1, 1, "(folder)", "no such folder", "a folder of playbooks"))
    return []


def _playbooks(config: Config, named: References, problems: Problems) -> tuple[LoadedPlaybook, ...]:
    """All that are in the folder, those with a mistake too. `problems` has what is wrong with the rest, and with the
    playbooks that other files have `named`."""
    folder, references = config.playbook_folder, named.of_playbooks(problems)
    found: list[LoadedPlaybook] = []
    names: list[tuple[str, Node]] = []
    for path in _playbook_files(folder, problems):
        documents, data = tree.read(path, problems)
        for extra in documents[1:]:
            Node(str(path), extra, problems).refuse("a second document", "one playbook in a file")
        if documents:
            playbook, place = read_playbook(Node(str(path), documents[0], problems), references)
            names.append((playbook.name, place))
            acts = any(step.kind is StepKind.COMMAND for step in playbook.steps)
            untrusted = written_by_others(path) if acts else ""
            found.append(LoadedPlaybook(playbook, hashlib.sha256(data).hexdigest(), str(path), untrusted))
    unique(names, "a name")
    _check(references, config, Known.of("", (item.playbook.name for item in found), folder, problems), problems)
    references.check_steps(
        {
            item.playbook.name: Known.of("", (step.id for step in item.playbook.steps), Path(item.file), problems)
            for item in found
        }
    )
    if len(problems.of(folder)) == len(problems):
        judge_writers((Path(item.file) for item in found), problems)
    return tuple(found)
