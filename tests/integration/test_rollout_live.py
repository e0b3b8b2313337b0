"""A rollout on a real Unleash and a real Prometheus, by the command line and an engine in a process of its own: 5, 25,
50 % on recorded decisions, a breach there by what is counted, and back to 0 % by the playbook, each step as it is
measured. And the way back where the disk is full, nobody approves, and nobody can be told."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.bootstrap import common
from tests import servers
from tests.servers import REPO, wait_until
from tests.tty.site import Site, in_this_process
from tests.tty.test_not_saved import disk as disk
from tests.tty.test_not_saved import full
from tests.unleash_server import ENVIRONMENT
from tests.unleash_server import Unleash as Server

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("unleash")]

PATIENCE = 240.0
"""Seconds: a breach is a whole minute of traffic, counted once it is over."""
RATE = 200
"""Requests in a tenth of a second, on both paths together."""
_names = (f"decided-{number}" for number in itertools.count())

PERCENT = """100 * sum(rate(elicitation_requests_total[4s]))
  / (sum(rate(elicitation_requests_total[4s])) + sum(rate(wait_for_messages_requests_total[4s])))"""
PLAN = """
apiVersion: oncall/v1
kind: Rollout
name: lighthouse-elicitation
new_path: elicitation
legacy_path: wait-for-messages
flag: FLAG
bake: 3s
phases: [5, 25, 50, 100]
percent: >-
  SHARE
guardrails:
  - {name: p99, title: P99 latency, unit: ms, warning: 300, critical: 500, expr: max(p99_latency_milliseconds)}
  - name: errors
    title: Error ratio
    unit: "%"
    warning: 1
    critical: 5
    expr: >-
      100 * sum(rate(elicitation_requests_total{status="error"}[4s])) / sum(rate(elicitation_requests_total[4s]))
    evidence:
      limit: 0.01
      bad: elicitation_requests_total{status="error"}
      total: elicitation_requests_total
      legacy: {bad: 'wait_for_messages_requests_total{status="error"}', total: wait_for_messages_requests_total}
      fast: {above: 0.05, for: 1m, min_samples: 30}
readings:
  - {name: inflight, expr: sum(elicitation_requests_in_flight)}
criteria:
  - {name: bake, title: Baked, kind: bake}
  - {name: latency, title: P99 within its limit, kind: reading, check: guardrail.p99 < 300, phases: [25, 50, 100]}
  - {name: guardrails, title: Every guardrail passed, kind: guardrails, phases: [100]}
  - {name: approval, title: Somebody else agrees, kind: approval, role: incident commander}
rollback: {playbook: emergency-rollback}
"""
FLAGS = """
    flags:
      type: unleash
      url: URL
      token: env:UNLEASH_TOKEN
      environment: ENVIRONMENT
      interval: 1s
      timeout: 3s
"""


class Service:
    """What the flag steers: it asks Unleash as a client does, sends that share of its requests on the new path, and
    counts them for whoever scrapes it. Above a quarter of the traffic, a fifth of the new path's requests fails. Before
    its first request the new path has no series."""

    def __init__(self, unleash: Server, flag: str) -> None:
        self.unleash, self.flag = unleash, flag
        self.exporter = servers.Exporter()
        for component in ("bridge", "event-store", "elicitation", "wait-for-messages"):
            self.exporter.serve(f"/{component}/health")
        self._new, self._failed, self._legacy = 0.0, 0.0, 0.0
        self._stop = threading.Event()
        self._serve()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.exporter.stop()

    def _follow(self) -> None:
        while not self._stop.wait(0.1):
            self._serve()

    def _serve(self) -> None:
        on, rollout = self.unleash.rollout(self.flag)
        share = float(rollout) / 100 if on else 0.0
        failed = 0.2 * RATE * share if share > 0.25 else 0.0
        self._new, self._failed = self._new + RATE * share - failed, self._failed + failed
        self._legacy += RATE * (1 - share)
        lines = ["p99_latency_milliseconds 180", f'wait_for_messages_requests_total{{status="ok"}} {self._legacy}']
        lines.append(f"elicitation_requests_in_flight {3 if share else 0}")
        if self._new:
            lines.append(f'elicitation_requests_total{{status="ok"}} {self._new}')
            lines.append(f'elicitation_requests_total{{status="error"}} {self._failed}')
        self.exporter.set("\n".join(lines))


class Live(Site):
    """A console's folder on real servers, and its commands, each of whoever is at the keyboard."""

    def __init__(self, folder: Path, flag: str, unleash: Server, patch: pytest.MonkeyPatch, **urls: str | Path) -> None:
        super().__init__(folder, **urls)  # type: ignore[arg-type]
        self._patch = patch
        patch.setenv("UNLEASH_TOKEN", unleash.token)
        main = self.config / "console.yaml"
        flags = FLAGS.replace("URL", unleash.url).replace("ENVIRONMENT", ENVIRONMENT)
        pattern = r"    notify:\n.*?(?=\n  - service: )"
        text, count = re.subn(pattern, f"    notify: {{}}{flags}", main.read_text(), count=1, flags=re.DOTALL)
        assert count == 1
        main.write_text(text)
        (self.config / "rollout.yaml").write_text(PLAN.replace("FLAG", flag).replace("SHARE", PERCENT))
        (self.config / "risks.yaml").unlink()  # its signals are of another plan
        for book in (self.config / "playbooks").glob("*.yaml"):
            book.write_text(book.read_text().replace("flag: lighthouse-elicitation", f"flag: {flag}"))

    def __call__(self, *arguments: str, by: str = "alice", code: int = 0) -> str:
        """What a command says, on both channels, at its end with this code."""
        self._patch.setattr(common, "login", lambda: by)
        done = in_this_process(self.oncall(*arguments, who=by))
        said = done.stdout.decode() + done.stderr.decode()
        assert done.returncode == code, f"oncall {' '.join(arguments)}: {done.returncode}: {said}"
        return said

    def rollout(self) -> dict:
        """Where it is."""
        return json.loads(in_this_process(self.oncall("rollout", "status", "--json")).stdout)

    def step(self, run: str, step: str) -> dict:
        """A step of a run."""
        found = self.json("run", "show", run)["run"]["steps"]
        return next(item for item in found if item["id"] == step)

    def until(self, holds, what: str) -> dict:
        """The rollout of which it holds."""
        found: dict = {}

        def look() -> bool:
            found.update(self.rollout())
            return holds(found)

        try:
            wait_until(look, PATIENCE, 1.0, what)
        except AssertionError as error:
            raise AssertionError(f"{error}: {json.dumps(found)[:4000]}") from None
        return found

    def events(self, kind: str) -> list[dict]:
        """The payloads of a kind, in their order."""
        events = [json.loads(line) for line in self.run("log", "export").splitlines()]
        return [json.loads(event["payload"]) for event in events if event["kind"] == kind]

    @contextlib.contextmanager
    def engine(self) -> Iterator[None]:
        """`oncall watch`, in a process of its own."""
        with (self.config / "watch.log").open("ab") as log:
            process = subprocess.Popen(self.oncall("watch"), cwd=REPO, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


@pytest.fixture
def service(unleash: Server) -> Iterator[Service]:
    """Its flag is there, and off."""
    found = Service(unleash, unleash.flag(next(_names), "0", on=False))
    yield found
    found.close()


def decided(site: Live, share: int) -> str:
    """Approved by bob, a GO recorded by alice; the decision's label."""
    site("decision", "approve", "approval", "--phase", str(share), by="bob")
    data = json.loads(site("decision", "record", "GO", "--json"))["decision"]
    assert (data["status"], data["verdict"], data["scope"]["to_percent"]) == ("GO", "go", share)
    return data["id"]


@pytest.mark.timeout(600)  # a minute of traffic is counted, and many processes start
def test_on_decisions_up_to_50_a_breach_there_and_back_to_0_each_as_it_is_measured(
    service: Service, unleash: Server, tmp_path: Path, start_prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    prometheus = start_prometheus(scrape_targets={"service": service.exporter.address})
    prometheus.wait_for("rate(wait_for_messages_requests_total[4s])")
    urls = {"prometheus": prometheus.url, "health": service.exporter.url}
    site = Live(tmp_path, service.flag, unleash, monkeypatch, **urls)
    with site.engine():
        found = site.until(lambda it: it["measured"]["value"] == 0, "0 % that no series tells of")
        assert "no series of elicitation" in found["measured"]["source"]
        site("rollout", "begin", "--revision", "rev-1", "--yes")
        assert "no decision is recorded for 0 to 5 %" in site("rollout", "promote", "--yes", code=3)
        for share in (5, 25, 50):
            site.until(lambda it: it["state"] in ("pending", "deciding"), f"the end of the bake before {share} %")
            decision = decided(site, share)
            site("rollout", "promote", "--decision", decision, "--yes")
            assert unleash.rollout(service.flag) == (True, f"{share}")
            found = site.until(lambda it: it["state"] in ("baking", "deciding"), f"{share} %")
            assert found["record"]["percent"] == share
            assert abs(found["measured"]["value"] - share) <= 3, "as near as the plan asks"

        found = site.until(lambda it: it["record"]["breaches"], "the breach")
        (breach,) = found["record"]["breaches"]
        assert (breach["guardrail"], breach["fast"]) == ("errors", True)
        assert re.match(r"20\.?0? % of [0-9,]+ bad in 1 min, at once at 5 %; the legacy path 0 %", breach["why"])
        site("decision", "approve", "approval", "--phase", "100", by="bob")
        assert "Every guardrail passed" in site("decision", "record", "GO", code=3)
        assert "errors is breached" in site("rollout", "promote", "--break-glass", "no", "--yes", code=3)

        said = site("rollback", "start", "--reason", breach["why"], "--yes")
        run = re.search(r"RUN-\d+", said)[0]
        site("run", "complete", run, "alert-teams", "--observed", "called, 22:31")
        site("run", "flag", run, "disable-flag", "--yes")
        assert unleash.rollout(service.flag) == (False, "0")
        wait_until(lambda: site.step(run, "drain-in-flight")["status"] == "done", PATIENCE, what="the drain")
        closed = site.step(run, "disable-flag")
        assert (closed["status"], "rollout.percent = 0 at " in closed["evidence"]) == ("done", True), closed
        assert "reading.inflight = 0 at " in site.step(run, "drain-in-flight")["evidence"]
        site("run", "complete", run, "verify-legacy", "--observed", "answered")
        site("run", "take", run, "clear-state")
        site("run", "confirm", run, "clear-state", "--read-back", "lighthouse/production", by="bob")
        typed = ("--observed", "backup of 22:10, 0 pending", "--typed", "CLEAR lighthouse/production")
        site("run", "complete", run, "clear-state", *typed)
        site("run", "complete", run, "restore-consistency", "--observed", "0, none replayed")
        site("run", "complete", run, "validate", "--observed", "P99 180 ms, 0 errors")

        found = site.until(lambda it: it["state"] == "rolled back", "the end of the rollback")

    assert (found["record"]["percent"], found["measured"]["value"], found["flag"]["value"]) == (0, 0, 0)
    shares = [(item["percent"], bool(item["decision"])) for item in site.events("rollout.write_intended")]
    assert shares == [(5, True), (25, True), (50, True), (0, False)]
    assert [item["outcome"] for item in site.events("rollout.write_finished")] == ["done"] * 4
    assert all(not item["break_glass"] for item in site.events("rollout.write_intended"))
    (ended,) = site.events("rollout.rollback_ended")
    assert "flag 0 %, measured 0 %" in ended["answer"]
    assert json.loads(site("log", "verify", "--json"))["ok"]


AGREE = """
  - id: agree
    title: Agree to roll back
    kind: approval
    role: incident commander
    challenge: Do you agree to roll back?
    response: Agreed
    timebox: 1m

"""
NOTIFY = """    notify:
      slack:
        - name: incidents
          webhook: env:SLACK_WEBHOOK_URL
      pagerduty:
        url: http://127.0.0.1:1
        events_url: http://127.0.0.1:1
        token: env:PAGERDUTY_API_KEY
        sender: oncall@example.com
        services: [PLIGHT1]
        events_key: env:PAGERDUTY_EVENTS_KEY
"""


def test_with_the_disk_full_no_approver_and_every_notifier_down_it_is_rolled_back_all_the_same(
    service: Service, unleash: Server, disk: Path, tmp_path: Path, start_prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    prometheus = start_prometheus(scrape_targets={"service": service.exporter.address})
    urls = {"prometheus": prometheus.url, "health": service.exporter.url}
    site = Live(tmp_path, service.flag, unleash, monkeypatch, journal=disk / "record" / "journal.db", **urls)
    for name in ("PAGERDUTY_API_KEY", "PAGERDUTY_EVENTS_KEY"):
        monkeypatch.setenv(name, "0" * 32)
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "http://127.0.0.1:1/services/x")
    main, book = site.config / "console.yaml", site.config / "playbooks" / "emergency-rollback.yaml"
    main.write_text(main.read_text().replace("    notify: {}\n", NOTIFY, 1))
    book.write_text(book.read_text().replace("  - id: alert-teams", f"{AGREE}  - id: alert-teams", 1))
    site("rollout", "begin", "--yes")
    site("rollout", "set", "50", "--break-glass", "the others are at lunch", "--yes")
    prometheus.wait_for("rate(elicitation_requests_total[4s]) > 0")

    with full(disk, os.getpid()):
        assert "NOT SAVED" in site("rollback", "start", "--reason", "errors", "--yes", code=4)
        said = site("rollback", "start", "--reason", "errors", "--yes", "--unsaved")
        assert "NOT SAVED" in said
        (run,) = json.loads(site("run", "ls", "--json"))["runs"]
        assert "another person" in site("run", "approve", run["id"], "agree", "--unsaved", code=3)
        alone = ("--break-glass", "nobody answers", "--unsaved")
        site("run", "approve", run["id"], "agree", *alone)
        site("run", "flag", run["id"], "disable-flag", "--yes", "--unsaved")
        assert unleash.rollout(service.flag) == (False, "0")
        prometheus.wait_for(f"({PERCENT}) == 0")
        site("run", "complete", run["id"], "disable-flag", "--observed", "0 %", "--unsaved")
        assert site.rollout()["state"] == "rolling back"
    with site.engine():
        wait_until(lambda: site.events("journal.spool_merged"), PATIENCE, what="the merge of what waited")

    assert json.loads(site("log", "verify", "--json"))["ok"]
    (begun,) = site.events("rollout.rollback_begun")
    assert begun["reason"] == "errors"
    assert [(item["percent"], item["purpose"]) for item in site.events("rollout.write_intended")][1:] == [
        (0, "rollback")
    ]
    assert [item["step"] for item in site.events("run.step_completed")][:2] == ["agree", "disable-flag"]
    assert site.events("delivery.queued")
    assert not site.events("delivery.sent")
