"""Secrets, from the environment or a private file, and other files that credentials are read from. They live in memory
only."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import NoReturn

from console.settings.outside import SecretRef

MAX_BYTES = 65_536


class SecretError(Exception):
    """A secret could not be had. The message is one line that names the reference, never the secret."""


class Secret:
    """A secret that does not show itself: not in a repr, a format, a pickle or a traceback's locals."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(****)"

    def __str__(self) -> str:
        return "****"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never serialised")


def resolve(ref: SecretRef, environ: Mapping[str, str]) -> Secret:
    """The secret behind a reference.

    Raises SecretError: variable not set or empty, file missing, open to others, or of another owner than the
    user or root.
    """
    if ref.scheme == "env":
        value = environ.get(ref.name, "")
        if not value.strip():
            raise SecretError(f"{ref}: the variable is not set, expected a secret in it")
    else:
        value = _read(ref)
    value = value.strip()
    if not value:
        raise SecretError(f"{ref}: found nothing in it, expected a secret")
    if not (value.isascii() and value.isprintable()):
        # It goes into an HTTP header: a line break there would start a header of its own.
        raise SecretError(
            f"{ref}: found a line break, a control character or one outside ASCII, expected one plain line"
        )
    return Secret(value)


def _read(ref: SecretRef) -> str:
    return read_file(str(ref), ref.name, "a secret").decode("utf-8", "replace")


def read_file(name: str, path: str, what: str, *, private: bool = True, most: int = MAX_BYTES) -> bytes:
    """The bytes of a file that a configuration names, `what` says as what: of the user's own or root's and of nobody
    else's to read where it is `private`.

    Raises SecretError, with one line that begins with `name`.
    """
    try:
        with open(path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SecretError(f"{name}: found something that is no regular file, expected a file")
            if private and status.st_uid not in (0, os.geteuid()):
                raise SecretError(f"{name}: found a file of another user, expected one of yours or root's")
            if private and status.st_mode & 0o077:
                mode = stat.S_IMODE(status.st_mode)
                raise SecretError(f"{name}: found mode {mode:04o}, expected 0600: others must not reach it (chmod 600)")
            data = file.read(most + 1)
    except OSError as error:
        raise SecretError(
            f"{name}: found a file that cannot be read ({error.strerror}), expected {what} in it"
        ) from None
    if len(data) > most:
        raise SecretError(f"{name}: found more than {most} bytes, expected {what}")
    return data
