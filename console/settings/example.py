"""The configuration and the playbooks that ship with the console, for a team to copy and make its own."""

from __future__ import annotations

import os
from pathlib import Path

import console
from console.settings.problems import NoConfig


def shipped(name: str) -> Path:
    """Where `config` or `playbooks` lies: in the installed package, else in the checkout. Raises NoConfig."""
    package = Path(console.__file__).resolve().parent
    places = (package / "_data" / name, package.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise NoConfig(
        f"{name}: found neither {' nor '.join(map(str, places))}, expected the folder that ships with oncall"
    )


def init(directory: Path) -> None:
    """Writes the example configuration to `directory`, and the playbooks to `directory`/playbooks.

    Raises FileExistsError, in one line, when anything of that name is there already, and OSError when it
    cannot be written. Nothing is left behind in either case.
    """
    directory = directory.expanduser().absolute()
    copies = {directory / path: source for path, source in _files().items()}
    if directory.exists() and not directory.is_dir():
        raise FileExistsError(f"{directory}: found a file, expected a new or empty folder")
    first = {path.relative_to(directory).parts[0] for path in copies}
    taken = sorted(name for name in first if os.path.lexists(directory / name))
    if taken:
        raise FileExistsError(f"{directory}: found {', '.join(taken)} there already, expected none of them")
    made: list[Path] = []
    try:
        for target, source in copies.items():
            for folder in reversed([folder for folder in target.parents if not folder.exists()]):
                folder.mkdir(mode=0o700)
                made.append(folder)
            with open(
                target, "xb", opener=_private
            ) as file:  # somebody else's file is neither overwritten nor removed below
                made.append(target)
                file.write(source.read_bytes())
    except BaseException:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _files() -> dict[Path, Path]:
    """What ships, by where it goes."""
    found: dict[Path, Path] = {}
    for name, target in (("config", Path()), ("playbooks", Path("playbooks"))):
        root = shipped(name)
        for source in sorted(root.rglob("*")):
            path = source.relative_to(root)
            if source.is_file() and not any(part.startswith((".", "__")) for part in path.parts):
                found[target / path] = source
    return found
