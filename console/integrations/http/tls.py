"""TLS as a source's own files say: the authorities that its server is judged by, and the certificate that we show."""

from __future__ import annotations

import os
import ssl
from typing import TypeAlias

from console.integrations.http import network
from console.settings.outside import Reveal, SecretRef, TlsFiles
from console.settings.secrets import SecretError, read_file

_BEGIN = "-----BEGIN CERTIFICATE-----"
MAX_BYTES = 4 * 1024 * 1024
"""Of one file: a company's whole bundle of authorities."""
MAX_PASSWORD = 1024
"""Bytes that OpenSSL takes of a key's password."""

Stamp: TypeAlias = tuple[tuple[int, int, int, int], ...]


class TlsError(Exception):
    """The files cannot be used. The message is one line that names the file, never what is in it."""


def stamp(files: TlsFiles) -> Stamp:
    """What tells whether a file has been exchanged since. Raises TlsError."""
    found = []
    for key, path in _named(files):
        try:
            status = os.stat(path)
        except OSError as error:
            raise TlsError(f"{key} {path}: found a file that cannot be read ({error.strerror})") from None
        found.append((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return tuple(found)


def context(files: TlsFiles, secret: Reveal | None) -> ssl.SSLContext:
    """Checks certificates and host names, and shows ours. Raises TlsError."""
    try:
        made = _trusting(files) if files.ca else network.trust()
        if files.certificate:
            _show(made, files, _password(files.key_password, secret))
    except SecretError as error:
        raise TlsError(str(error)) from None
    return made


def _named(files: TlsFiles) -> list[tuple[str, str]]:
    named = (("ca_file", files.ca), ("cert_file", files.certificate), ("key_file", files.key))
    return [(key, path) for key, path in named if path]


def _trusting(files: TlsFiles) -> ssl.SSLContext:
    name = f"ca_file {files.ca}"
    text = _pem(name, files.ca, "a certificate in PEM", private=False)
    if _BEGIN not in text:  # and no certificate at all would mean the system's
        raise TlsError(f"{name}: found no certificate, expected one in PEM")
    try:
        return ssl.create_default_context(cadata=text)
    except ssl.SSLError:
        raise TlsError(f"{name}: found something that cannot be read, expected a certificate in PEM") from None


def _show(made: ssl.SSLContext, files: TlsFiles, password: str) -> None:
    """Loads our certificate and its key."""
    certificate, key = f"cert_file {files.certificate}", f"key_file {files.key}" if files.key else "cert_file"
    text = _pem(certificate, files.certificate, "a certificate in PEM", private=not files.key)
    if _BEGIN not in text:
        raise TlsError(f"{certificate}: found no certificate, expected one in PEM")
    if files.key:
        text = _pem(key, files.key, "a private key in PEM")
    if "PRIVATE KEY-----" not in text:
        raise TlsError(f"{key}: found no private key, expected one in PEM" + ("" if files.key else ", or key_file"))
    locked = "ENCRYPTED" in text
    if locked and not password:
        raise TlsError(f"{key}: found a key with a password, expected key_password")
    try:
        # Always with an answer: OpenSSL would ask for a password on the terminal.
        made.load_cert_chain(files.certificate, files.key or None, lambda: password or "none")
    except ssl.SSLError as error:
        what = "found something that cannot be read, expected a certificate and its key in PEM"
        if error.reason == "KEY_VALUES_MISMATCH":
            what = f"found a key of another certificate than {files.certificate}, expected its own"
        elif locked:
            what = "found a key that key_password does not open, expected its password"
        raise TlsError(f"{key}: {what}") from None
    except OSError as error:  # exchanged since it was read
        raise TlsError(f"{key}: found a file that cannot be read ({error.strerror})") from None


def _pem(name: str, path: str, what: str, *, private: bool = True) -> str:
    return (
        read_file(name, path, what, private=private, most=MAX_BYTES).decode("ascii", "replace").replace("\ufffd", "?")
    )


def _password(ref: SecretRef | None, secret: Reveal | None) -> str:
    if ref is None or secret is None:
        return ""
    try:
        return secret(ref)[:MAX_PASSWORD]
    except SecretError:
        raise
    except Exception as error:
        raise TlsError(f"key_password {ref} cannot be read ({type(error).__name__})") from None
