"""What every console needs before it is one: options, configuration, operator, journal. Light to import."""

from __future__ import annotations

import gc
import os
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from console.model.value import value

if TYPE_CHECKING:
    from console.journal.baselines import BaselineFiles
    from console.journal.spool import FileSpool
    from console.journal.sqlite import SqliteJournal
    from console.model.people import Actor, Person
    from console.ports import Clock, Ids, SliceStore
    from console.settings.config import Config, Environment

T = TypeVar("T")

JOURNAL = "journal.db"

_STARTING, _RUNNING = (10_000, 1_000, 1_000), (700, 10, 100)
"""After how many new objects, and passes over those, the garbage collector looks: during the start, and after it."""


@value
class Options:
    """What the global options say; empty where they are not given."""

    config: str = ""
    journal: str = ""
    operator: str = ""
    environment: str = ""
    read_only: bool = False
    plain: bool = False


class BadInput(Exception):
    """Something that was given cannot be used. The message is one line."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs `work` on a new event loop. Everything imported by now is taken out of the collector's sight for good."""
    import asyncio

    settle()
    return asyncio.run(work)


def set_out() -> None:
    """Begins the start: until `settle`, the garbage collector looks at new objects alone, and at none of them twice.
    What each import leaves is free again for the next one; looking through all that is imported would find no more."""
    gc.set_threshold(*_STARTING)


def settle() -> None:
    """Ends the start: the garbage collector goes on without what was imported. It looks through all that has been there
    for long ten times as rarely as by default: with 10,000 alerts that takes 60 ms, in which no key is answered."""
    if gc.get_threshold() == _STARTING:
        gc.freeze()
        gc.set_threshold(*_RUNNING)


def configuration(options: Options) -> Config:
    """The configuration that the options lead to, without the playbooks that have a mistake. Raises ConfigError."""
    from console.settings.load import find, load

    return load(find(options.config or None, os.environ), strict=False)


def environment(config: Config, options: Options) -> Environment:
    """The environment chosen, else the first. Raises BadInput with the known ones."""
    try:
        return config.environment(options.environment)
    except KeyError:
        known = ", ".join(str(item.target) for item in config.environments)
        raise BadInput(f"--env {options.environment}: there is no such environment; known: {known}") from None


def login() -> str:
    """The login of the effective user, from the system's own list; never from a variable that anybody may set."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid {os.geteuid()}"


def actor(claimed: str, people: tuple[Person, ...], environ: Mapping[str, str] = os.environ) -> Actor:
    """Who acts: `--as`, else ONCALL_OPERATOR, else the login. A person of `people.yaml` goes by their login, so that
    somebody who is who they say they are is not taken for self-declared."""
    from console.model.people import Actor
    from console.model.text import safe

    known = login()
    name = safe((claimed or environ.get("ONCALL_OPERATOR", "")).strip(), 60)
    return Actor(next((person.login for person in people if person.name == name), name) or known, known)


def console_name() -> str:
    """What this process is called in the record and in the lease."""
    return f"{login()}@{os.uname().nodename.partition('.')[0]}:{os.getpid()}"


def journal_path(options: Options, config: Config | None = None) -> Path:
    """`--journal` or ONCALL_JOURNAL, else what `console.yaml` names, else the user's own data folder."""
    if options.journal:
        return Path(options.journal).expanduser()
    if config is not None and config.journal is not None:
        return config.journal
    from platformdirs import user_data_path

    return user_data_path("oncall", appauthor=False) / JOURNAL


def no_place(path: Path) -> str:
    """Why there can be no file at a path; empty where one could be made, as far as can be told without making it."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        return f"{folder} is no folder"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} is not writable"
    return "" if os.statvfs(folder).f_blocks else f"{folder} is not on a disk"  # such as /proc, also for root


def open_journal(
    options: Options, config: Config | None, clock: Clock, *, scope: str = "", read_only: bool = False
) -> SqliteJournal:
    """The journal that the options lead to. `scope` is the target whose engine runs here. Raises JournalUnusable."""
    from console.journal.sqlite import SqliteJournal

    return SqliteJournal(
        journal_path(options, config),
        clock,
        console=console_name(),
        scope=scope,
        group=(config.journal_group or None) if config is not None else None,
        read_only=read_only or options.read_only,
    )


def slices_of(journal: Path, config: Config, clock: Clock, *, read_only: bool = False) -> SliceStore:
    """Where the slices of service levels are kept: beside the journal."""
    from console.journal.slices import FILE, SqliteSlices

    return SqliteSlices(journal.with_name(FILE), clock, group=config.journal_group or None, read_only=read_only)


def baselines_of(journal: Path, config: Config) -> BaselineFiles:
    """The baselines that were captured: beside the journal."""
    from console.journal.baselines import FOLDER, BaselineFiles

    return BaselineFiles(journal.with_name(FOLDER), config.journal_group or None)


def spool_of(
    journal: Path, name: str, clock: Clock, ids: Ids, login_name: str, *, read_only: bool = False, private: bool = False
) -> FileSpool:
    """Where events wait while `journal` cannot be written: beside it, else in the user's state folder, else in memory.

    A `private` one, a demo's, stays beside its journal; a read-only console's is empty, and takes nothing over.
    """
    from console.journal.spool import FileSpool
    from console.model.people import Actor

    folders = [] if read_only else [journal.parent]
    if not private and not read_only:
        from platformdirs import user_state_path

        folders.append(user_state_path("oncall", appauthor=False))
    return FileSpool(folders, clock, ids, Actor("engine", login_name), console=name, journal=str(journal))
