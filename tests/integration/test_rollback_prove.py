"""`oncall rollback prove` on a real Unleash: what it leaves there, who may not, and an answer that never came."""

from __future__ import annotations

import itertools
import re

import pytest

from tests.cli.conftest import oncall as oncall
from tests.fakes.door import Door
from tests.integrations.fault_server import hang
from tests.unleash_server import ENVIRONMENT, VIEWER

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("unleash")]
_names = (f"canary-{number}" for number in itertools.count())


@pytest.fixture
def door(unleash):
    """Between the console and Unleash."""
    found = Door({"u": unleash.url})
    yield found
    found.close()


@pytest.fixture
def site(oncall, unleash, door, monkeypatch):
    """Production's flags are in Unleash; the canary is on, at 5 %."""
    oncall.canary, oncall.flag = unleash.flag(next(_names)), unleash.flag(next(_names), "25")
    monkeypatch.setenv("UNLEASH_TOKEN", unleash.token)
    oncall.notify()
    flags = f"""
    flags:
      type: unleash
      url: {door.url_of("u")}
      token: env:UNLEASH_TOKEN
      environment: {ENVIRONMENT}
      timeout: 3s
"""
    oncall.edit(r"(?<=\n)    notify: \{\}\n", "    notify: {}" + flags)
    plan = oncall.config / "rollout.yaml"
    text = re.sub(r"\n  canary_flag: \S+", f"\n  canary_flag: {oncall.canary}", plan.read_text())
    plan.write_text(re.sub(r"\nflag: \S+", f"\nflag: {oncall.flag}", text))
    return oncall


def proof(site, name="write-path"):
    found = site("rollback", "status", "--json", code=1).json["proofs"]
    return next(item for item in found if item["name"] == name)


def test_the_canary_is_switched_off_and_back_on_and_the_path_is_proven(site, unleash):
    said = site("rollback", "prove", "--yes")

    assert f"{site.canary} set to 0 % and back to 5 %" in said.out
    assert "it may read, set the share and switch" in said.err
    assert unleash.rollout(site.canary) == (True, "5")
    assert unleash.rollout(site.flag) == (True, "25")
    found = proof(site)
    assert (found["state"], found["source"]) == ("proven", "canary")
    assert 0 < found["value"] < 30
    assert "it may read, set the share and switch" in found["evidence"]
    assert proof(site, "kill-switch")["evidence"].startswith(f"{site.flag} is at 25 %")


def test_a_token_that_may_only_read_proves_nothing_and_says_so_before(site, unleash, monkeypatch):
    monkeypatch.setenv("UNLEASH_TOKEN", unleash.token_of("vito", VIEWER))

    said = site("rollback", "prove", "--yes", code=1)

    assert f"NOT write in {ENVIRONMENT}" in said.err
    assert "403" in said.err
    assert unleash.rollout(site.canary) == (True, "5")
    assert (proof(site)["state"], site("changes", "ls", "--json").json["changes"]) == ("failed", [])


def test_a_flag_that_is_gone_is_no_kill_switch(site):
    plan = site.config / "rollout.yaml"
    plan.write_text(plan.read_text().replace(site.flag, "never-made"))

    found = proof(site, "kill-switch")

    assert found["state"] == "failed"
    assert "404" in found["evidence"]


def test_an_answer_that_never_came_to_the_way_back_is_loud_and_owed(site, unleash, door):
    switched = []

    def fault(connection):
        """Unleash carries out everything; the last write, which switches it on again, gets no answer."""
        if connection.request.path.endswith("/off"):
            switched.append(connection.request.path)
        if connection.request.path.endswith("/on") and switched:
            hang(connection)
        else:
            door.pass_on(connection)

    door.fault = fault

    said = site("rollback", "prove", "--yes", code=6)

    assert f"{site.canary} is at 0 %, it is NOT KNOWN WHETHER IT WAS SET BACK to 5 %" in said.err
    (change,) = site("changes", "ls", "--json").json["changes"]
    assert f"{change['label']} is owed: set {site.canary} back to 5 %" in said.err
    door.fault = None
    assert proof(site)["state"] == "failed"
    assert "settle it first" in site("rollback", "prove", "--yes", code=3).err
