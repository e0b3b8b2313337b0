"""The playbooks' files while the console runs: what new runs start from follows them, and drift is seen."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.model.text import safe
from console.ports import PlaybookSnapshot
from console.settings.config import Config
from console.settings.load import gather
from console.settings.problems import Problems


class PlaybookFolder:
    """Implements `PlaybookFiles`. Looks at the files' stat, and reads the configuration anew when one has changed:
    what a playbook refers to is elsewhere."""

    def __init__(self, config: Config) -> None:
        self._config, self._folder, self._library = config.folder, config.playbook_folder, config.library
        self._known = PlaybookSnapshot((), {})
        self._seen: Mapping[str, Any] | None = None

    def read(self) -> PlaybookSnapshot:
        """How they are now. Never raises."""
        if self._seen is None:
            playbooks = self._library.read().playbooks
            self._known = PlaybookSnapshot(playbooks, {item.playbook.name: item.hash for item in playbooks})
        seen = self._look()
        if self._seen is None and self._unchanged(seen):
            self._seen = seen
        if seen != self._seen:
            self._known = self._again(seen)
            self._seen = seen
        return self._known

    def _look(self) -> Mapping[str, Any]:
        """What a stat says of every file, and of the folder, which decides who may change them."""
        found: dict[str, Any] = {}
        try:
            status = os.stat(self._folder)
            found[""] = (status.st_mode, status.st_uid, status.st_gid)
            names = sorted(os.listdir(self._folder))
        except OSError:
            return found
        for name in names:
            if name.endswith((".yaml", ".yml")) and not name.startswith("."):
                try:
                    status = os.stat(self._folder / name)
                except OSError:
                    found[name] = None
                else:
                    found[name] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return found

    def _unchanged(self, seen: Mapping[str, Any]) -> bool:
        """Whether the files are still those that the configuration was read from."""
        loaded = {os.path.basename(item.file): item.hash for item in self._known.playbooks}
        if loaded.keys() != {name for name in seen if name}:
            return False
        try:
            return all(_hash(self._folder / name) == wanted for name, wanted in loaded.items())
        except OSError:
            return False

    def _again(self, seen: Mapping[str, Any]) -> PlaybookSnapshot:
        problems, known = Problems(), self._known
        try:
            config = gather(self._config, problems)
        except Exception as error:  # Whatever a file holds: the playbooks that we have stay in use.
            return PlaybookSnapshot(known.playbooks, known.files, (f"not read: {type(error).__name__}",))
        broken = {os.path.basename(item.file): item for item in reversed(problems.of(self._folder))}
        if "" not in seen or config is None:
            said = "the folder cannot be read" if "" not in seen else "console.yaml cannot be read"
            return PlaybookSnapshot(known.playbooks, dict.fromkeys(known.files, ""), (said,))
        good = {item.playbook.name: item for item in config.playbooks if os.path.basename(item.file) not in broken}
        kept = [
            item for item in known.playbooks if item.playbook.name not in good and os.path.basename(item.file) in broken
        ]
        files = dict.fromkeys(known.files, "") | {name: item.hash for name, item in good.items()}
        return PlaybookSnapshot(
            tuple(sorted((*good.values(), *kept), key=lambda item: item.file)),
            files,
            tuple(safe(f"{name}:{item.line}: {item.field}: found {item.found}", 200) for name, item in broken.items()),
        )


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
