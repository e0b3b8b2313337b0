"""`flags:` of an environment: each kind as it is meant, and each slip refused where it stands."""

# ruff: noqa: E501 -- the lines are exact

from __future__ import annotations

from datetime import timedelta

import pytest

from console.bootstrap.outside import flags_of, secrets_in
from console.engine.clocks import SystemClock
from console.model.playbook import Program
from console.settings.load import load
from console.settings.outside import CommandFlags, FlagSettings, HttpFlags, SecretRef, UnleashFlags
from tests.settings.conftest import Folder

URL = "      url: http://127.0.0.1:9190\n"
"""The Prometheus of staging, after which we put the flags."""


def flags(folder: Folder, text: str) -> int:
    """Gives them these lines, eight blanks before each. The line that they begin on."""
    folder.replace("console.yaml", URL, f"{URL}    flags:\n{text}")
    lines = (folder / "console.yaml").read_text().splitlines()
    return lines.index("    flags:") + 2


def found(folder: Folder) -> FlagSettings | None:
    return load(folder.path).environments[1].flags


def test_without_flags_they_are_set_by_hand(folder: Folder):
    config = load(folder.path)

    assert [item.flags for item in config.environments] == [None, None]
    assert flags_of(config, config.environments[0], SystemClock()) is None


def test_an_unleash(folder: Folder):
    flags(folder, """\
      type: unleash
      url: https://unleash.example.com/team/
      token: env:UNLEASH_TOKEN
      project: Check Out
      environment: prod.eu
      interval: 10s
      timeout: 2s
      headers: {X-Tenant: payments}
""")  # fmt: skip

    settings = found(folder)

    assert isinstance(settings, UnleashFlags)
    assert (settings.project, settings.environment) == ("Check Out", "prod.eu")
    assert (settings.interval, settings.timeout) == (timedelta(seconds=10), timedelta(seconds=2))
    assert (settings.source.url, settings.source.token) == (
        "https://unleash.example.com/team", SecretRef("env", "UNLEASH_TOKEN"),
    )  # fmt: skip
    config = load(folder.path)
    assert SecretRef("env", "UNLEASH_TOKEN") in list(secrets_in(config.environments))
    made = flags_of(config, config.environments[1], SystemClock())
    assert made is not None
    assert made.name == "unleash"


def test_an_address(folder: Folder):
    flags(folder, """\
      type: http
      url: https://flags.example.com/v1/{flag}
      percent: /rollout/percentage
      write:
        url: https://flags.example.com/v1/{flag}/rollout
        method: PATCH
        body: '{"rollout": {percent}}'
""")  # fmt: skip

    settings = found(folder)

    assert isinstance(settings, HttpFlags)
    assert settings.source.url == "https://flags.example.com/v1/{flag}"
    assert (settings.pointer, settings.write_url, settings.method, settings.body) == (
        "/rollout/percentage", "https://flags.example.com/v1/{flag}/rollout", "PATCH", '{"rollout": {percent}}',
    )  # fmt: skip
    assert settings.interval == timedelta(seconds=15)


def test_two_programs(folder: Folder):
    flags(folder, """\
      type: command
      read: [flagctl, get, "--flag={flag}"]
      write: [bin/flagctl, set, "{flag}", "{percent}%"]
      env: [FLAGCTL_TOKEN]
      timeout: 4s
""")  # fmt: skip

    settings = found(folder)

    four = timedelta(seconds=4)
    assert settings == CommandFlags(
        Program(("flagctl", "get", "--flag={flag}"), timeout=four, env=("FLAGCTL_TOKEN",)),
        Program(("bin/flagctl", "set", "{flag}", "{percent}%"), timeout=four, env=("FLAGCTL_TOKEN",)),
        timeout=four,
    )
    config = load(folder.path)
    made = flags_of(config, config.environments[1], SystemClock())
    assert made is not None
    assert "NOT usable" in made.scope("f")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("      url: http://x\n", [":{0}:7: environments[1].flags.type: found nothing, expected unleash, http or command"]),
        ("      type: unleesh\n", [":{0}:13: environments[1].flags.type: found 'unleesh', expected 'unleash'"]),
        ("      type: unleash\n", [".flags.url: found nothing", ".flags.environment: found nothing, expected the name of an environment in Unleash"]),
        ("      type: unleash\n      url: https://u.example.com/api/admin\n      environment: x\n", [":{1}:12: environments[1].flags.url: found 'https://u.example.com/api/admin', the address of its API, expected Unleash's own address, without /api"]),
        ("      type: unleash\n      url: https://u.example.com\n      environment: x\n      token: abc\n", [":{3}:14: environments[1].flags.token: found a value in place of a reference (not shown), expected env:NAME or file:PATH"]),
        ("      type: unleash\n      url: https://u.example.com\n      environment: x\n      write: x\n", [":{3}:7: environments[1].flags.write: found an unknown key"]),
        ("      type: http\n      url: https://f.example.com/f\n      percent: x\n      write: {body: '{percent}'}\n", [":{1}:12: environments[1].flags.url: found an address without {flag}", ":{2}:16: environments[1].flags.percent: found 'x', expected a JSON pointer"]),
        ("      type: http\n      url: https://f.example.com/{flag}\n      percent: ''\n      write: {url: 'https://g.example.com/{flag}', body: '{percent}'}\n", ["write.url: found an address on another server, expected the server of url: it gets the same credentials"]),
        ("      type: http\n      url: https://{flag}.example.com/{flag}\n      percent: ''\n      write: {body: '{percent}'}\n", ["flags.url: found {flag} in the name of the server"]),
        ("      type: http\n      url: https://f.example.com/{flag}\n      percent: ''\n      write: {body: '{\"a\": {percent}'}\n", ["write.body: found '{\"a\": {percent}', which is no JSON with a number in it"]),
        ("      type: http\n      url: https://f.example.com/{flag}\n      percent: ''\n      write: {body: '[{percent}, {percent}]', method: GET}\n", ["write.body: found '[{percent}, {percent}]', expected JSON with {percent} in it once", "write.method: found 'GET', expected PUT, POST or PATCH"]),
        ("      type: command\n      read: [flagctl]\n      write: flagctl\n", ["flags.read: found no {flag} among the arguments", "flags.write: found a text, expected a program and its arguments, as a list"]),
        ("      type: command\n      read: [flagctl, '{flag}']\n      write: [flagctl, '{flag}']\n", ["flags.write: found no {percent} among the arguments"]),
        ("      type: command\n      read: [../flagctl, '{flag}']\n      write: [-x, '{flag}', '{percent}']\n      env: [PATH]\n", ["flags.read[0]: found '../flagctl', which leads to a folder above", "flags.write[0]: found '-x'", "flags.env[0]: found PATH, which every program gets"]),
    ],
)  # fmt: skip
def test_a_slip_is_refused_where_it_stands(folder: Folder, text: str, wanted: list[str]):
    at = flags(folder, text)

    problems = folder.lines()

    for words in wanted:
        words = (
            words.replace("{0}", str(at))
            .replace("{1}", str(at + 1))
            .replace("{2}", str(at + 2))
            .replace("{3}", str(at + 3))
        )
        assert any(words in line for line in problems), (words, problems)
    assert all(line.startswith("console.yaml:") for line in problems)


def test_the_commented_example_is_well_formed(folder: Folder):
    """What the example shows in comments can be taken as it is."""
    lines = (folder / "console.yaml").read_text().splitlines()
    starts = [number for number, line in enumerate(lines) if line.strip() == "# flags:"]
    assert len(starts) == 1
    block = []
    for line in lines[starts[0] + 1 :]:
        if not line.strip().startswith("#   "):
            break
        key, _, value = line.replace("# ", "", 1).partition(": ")
        block.append(f"{key}: {value.split('  ')[0]}")
    flags(folder, "\n".join(block) + "\n")

    assert isinstance(found(folder), UnleashFlags)
