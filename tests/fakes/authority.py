"""An authority for certificates on loopback, by openssl."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

NEEDS_OPENSSL = "needs openssl: apt-get install openssl"


class Authority:
    """Signs certificates for 127.0.0.1, and for clients. Its own is `ca`."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        if not shutil.which("openssl"):
            pytest.skip(NEEDS_OPENSSL)
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.ca, self._key = self._make(name)

    def issue(self, name: str, password: str = "") -> tuple[Path, Path]:
        """A certificate and its key, which nobody else may read."""
        signed = ["-CA", str(self.ca), "-CAkey", str(self._key), "-addext", "subjectAltName=IP:127.0.0.1"]
        certificate, key = self._make(name, *signed)
        if password:
            lock = ["openssl", "pkey", "-in", key, "-aes256", "-passout", f"pass:{password}", "-out", f"{key}.locked"]
            subprocess.run(lock, check=True, capture_output=True)
            Path(f"{key}.locked").replace(key)
            key.chmod(0o600)
        return certificate, key

    def serving(self, *, clients: bool = False) -> ssl.SSLContext:
        """What a server on 127.0.0.1 speaks TLS by; with `clients`, only with those that this authority has signed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue("server"))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.ca)
        return context

    def _make(self, name: str, *signed: str) -> tuple[Path, Path]:
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        options = f"-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name}"
        command = ["openssl", "req", "-x509", *options.split(), "-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*command, *signed], check=True, capture_output=True)
        key.chmod(0o600)
        return certificate, key
