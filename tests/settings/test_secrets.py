"""A secret comes from the environment or a private file, and never shows itself."""

from __future__ import annotations

import copy
import json
import os
import pickle
from pathlib import Path

import pytest

from console.settings.config import SecretRef
from console.settings.load import load
from console.settings.secrets import Secret, SecretError, resolve
from tests.settings.conftest import Folder

TOKEN = SecretRef("env", "TOKEN")


def file(path: Path, content: bytes = b"hunter2\n", mode: int = 0o600) -> SecretRef:
    path.write_bytes(content)
    path.chmod(mode)
    return SecretRef("file", str(path))


def test_from_the_environment():
    assert resolve(TOKEN, {"TOKEN": " hunter2\n"}).reveal() == "hunter2"


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}, {"TOKEN": "  "}])
def test_a_variable_that_is_not_set(environ):
    with pytest.raises(SecretError, match=r"^env:TOKEN: the variable is not set, expected a secret in it$"):
        resolve(TOKEN, environ)


def test_from_a_private_file(tmp_path: Path):
    assert resolve(file(tmp_path / "token"), {}).reveal() == "hunter2"
    os.symlink(tmp_path / "token", tmp_path / "link")
    assert resolve(SecretRef("file", str(tmp_path / "link")), {}).reveal() == "hunter2"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o610])
def test_a_file_that_others_reach(tmp_path: Path, mode: int):
    ref = file(tmp_path / "token", mode=mode)
    with pytest.raises(SecretError) as caught:
        resolve(ref, {})
    assert str(caught.value) == (f"{ref}: found mode {mode:04o}, expected 0600: others must not reach it (chmod 600)")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user(tmp_path: Path):
    ref = file(tmp_path / "token")
    os.chown(ref.name, 12345, -1)
    with pytest.raises(SecretError, match="found a file of another user, expected one of yours or root's"):
        resolve(ref, {})


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "found nothing in it"),
        (b"two\nlines", "found a line break, a control character or one outside ASCII"),
        (b"\xff\xfe", "found a line break, a control character or one outside ASCII"),
        (b"x" * 70_000, "found more than 65536 bytes"),
    ],
)
def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes, found: str):
    with pytest.raises(SecretError, match=found):
        resolve(file(tmp_path / "token", content), {})


def test_a_file_that_is_none(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, found in (("pipe", "no regular file"), (".", "Is a directory"), ("gone", "No such file")):
        with pytest.raises(SecretError, match=found):
            resolve(SecretRef("file", str(tmp_path / name)), {})


def test_a_secret_does_not_show_itself():
    secret = Secret("hunter2")
    shown = [repr(secret), str(secret), f"{secret}", "%s %r" % (secret, secret), repr({"a": [secret]})]  # noqa: UP031
    assert not [text for text in shown if "hunter2" in text]
    for leak in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars):
        with pytest.raises(TypeError):
            leak(secret)


def test_a_relative_file_lies_beside_the_configuration(folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    file(folder / "slack.secret")
    folder.replace("console.yaml", "env:SLACK_WEBHOOK_URL", "file:slack.secret")
    folder.replace("console.yaml", "env:GRAFANA_API_KEY", "file:~/grafana.secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(folder.path.parent)
    notify = load(Path("conf")).environments[0].notify
    assert resolve(notify.slack[0].webhook, {}).reveal() == "hunter2"
    assert notify.grafana.source.token == SecretRef("file", f"{tmp_path}/grafana.secret")
