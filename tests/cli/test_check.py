"""`oncall check`, `status`, `init` and `watch` against servers that refuse, and against some that answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from console.cli.check import Line, _excused, _without_bad_events
from console.ports import Series
from console.settings.load import load

SECRETS = {name: f"s3cret-of-{name.lower()}" for name in ("PAGERDUTY_API_KEY", "SLACK_WEBHOOK_URL", "GRAFANA_API_KEY")}


def test_check_names_every_source_and_says_what_to_do(oncall):
    found = json.loads(oncall("check", "--json", code=1).out)

    bad = {item["source"] for item in found["findings"] if not item["ok"]}
    channels = {
        "pagerduty",
        "grafana",
        *(f"slack.{name}" for name in ("incidents", "alerts", "security", "performance")),
    }
    assert bad == {"secret", "prometheus", "alertmanager", "health", *channels}
    assert all(item["todo"] for item in found["findings"] if not item["ok"])
    assert not oncall.journal.exists()  # looking makes nothing
    assert "will be made" in oncall("check", code=1).out


def test_check_proves_that_secrets_are_set_and_shows_none(oncall, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GRAFANA_API_KEY", "")

    result = oncall("check", code=1)

    assert "ok   secret: lighthouse/production notify.pagerduty.token: env:PAGERDUTY_API_KEY is set" in result.out
    assert "BAD  secret: lighthouse/production notify.grafana.token: env:GRAFANA_API_KEY" in result.out
    assert "s3cret" not in result.out + result.err


def test_status_names_grafana_among_the_sources(oncall):
    sources = {item["name"]: item for item in oncall("status", "--json").json["sources"]}
    assert sources["grafana"]["state"] == "unreachable"
    assert "GRAFANA_API_KEY" in sources["grafana"]["error"]
    assert "grafana" not in {item["name"] for item in oncall("--env", "staging", "status", "--json").json["sources"]}


def test_a_secret_that_is_missing_is_said_once(oncall):
    findings = oncall("check", "--json", code=1).json["findings"]
    for name in ("PAGERDUTY_API_KEY", "SLACK_WEBHOOK_URL", "GRAFANA_API_KEY"):
        (said,) = (item for item in findings if f"env:{name}" in item["what"])
        assert said["source"] == "secret"
    assert {item["ok"] for item in findings if item["source"] == "grafana"} == {None}  # it is still UNPROVEN


def test_check_proves_the_secrets_of_the_chosen_environment_alone(oncall):
    channels = [
        item["what"] for item in oncall("check", "--json", code=1).json["findings"] if item["source"] == "secret"
    ]
    assert {what.partition(": ")[0] for what in channels} == {
        "lighthouse/production notify." + key
        for key in (
            "pagerduty.token",
            "pagerduty.events_key",
            "slack.incidents.webhook",
            "slack.alerts.webhook",
            "slack.security.webhook",
            "slack.performance.webhook",
            "grafana.token",
        )
    }
    assert "secret:" not in oncall("--env", "staging", "check", code=1).out


def test_check_says_what_each_server_is_asked_with_and_what_of_it_fails(oncall, monkeypatch, tmp_path):
    monkeypatch.setenv("PASSWORD", "s3cret-password")
    key = tmp_path / "client.key"
    key.write_text("-----BEGIN PRIVATE KEY-----\ns3cret-key\n-----END PRIVATE KEY-----\n")
    key.chmod(0o644)
    (tmp_path / "client.pem").write_text("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")
    access = (
        "environment: staging\n    prometheus:\n      url: https://127.0.0.1:9\n"
        "      basic_auth: {username: u, password: env:PASSWORD}\n"
        "      headers: {X-Scope-OrgID: payments, X-Api-Key: env:GONE}\n      params: {dedup: 'true'}\n"
        f"      tls_config: {{cert_file: {tmp_path}/client.pem, key_file: {key}}}"
    )
    oncall.edit(r"environment: staging .*?prometheus:\n *url: [^\n]*", access)

    result = oncall("--env", "staging", "check", code=1)

    lines = result.out.splitlines()
    assert (
        "ok   access: lighthouse/staging prometheus: asked with basic auth; client certificate; the system's CAs; "
        "headers X-Scope-OrgID, X-Api-Key (secret); parameters dedup" in lines
    )
    assert "ok   access: lighthouse/production prometheus: asked with nothing: no credentials are configured" in lines
    assert "ok   access: lighthouse/staging alertmanager: asked with nothing: no credentials are configured" in lines
    assert "ok   secret: lighthouse/staging prometheus.basic_auth.password: env:PASSWORD is set" in lines
    assert any(
        line.startswith("BAD  secret: lighthouse/staging prometheus.headers.X-Api-Key: env:GONE") for line in lines
    )
    assert (
        f"BAD  access: lighthouse/staging prometheus: key_file {key}: found mode 0644, expected 0600: others must not "
        "reach it (chmod 600); correct tls_config of prometheus" in lines
    )
    assert "s3cret" not in result.out + result.err
    assert not [line for line in lines if line.startswith("BAD  prometheus:")], "said once"
    assert "access: lighthouse/production notify.grafana: asked with bearer token" in oncall("check", code=1).out


def test_44_check_notes_files_that_others_can_change(oncall):
    (oncall.config / "people.yaml").chmod(0o666)
    assert "people.yaml:1:1: (file): found mode 0666: others can change it" in oncall("check", code=1).out


def test_check_lists_every_problem_of_the_configuration_with_its_place(oncall):
    (oncall.config / "rollout.yaml").write_text((oncall.config / "rollout.yaml").read_text() + "colour: red\n")
    (oncall.config / "people.yaml").unlink()

    result = oncall("check", code=1)

    assert "rollout.yaml:" in result.out
    assert "colour" in result.out
    assert "people.yaml:1:1" in result.out


def test_other_commands_say_the_same_with_2_and_without_a_traceback(oncall):
    (oncall.config / "rollout.yaml").write_text("kind: Rollout\nphases: soon\n")

    result = oncall("status", code=2)

    assert result.out == ""
    assert all("rollout.yaml:" in line for line in result.err.splitlines())
    assert len(result.err.splitlines()) > 1


def test_check_says_when_the_journal_cannot_be(oncall, tmp_path):
    (tmp_path / "file").write_text("")

    assert "BAD  journal" in oncall("check", journal=tmp_path / "file" / "journal.db", code=1).out
    assert "is not a journal" in oncall("check", journal=oncall.config / "console.yaml", code=1).out


def test_an_sli_and_its_fallback_need_not_both_have_data():
    main, other = "slo.latency.total", "slo.latency.fallback.total"
    by_name = {
        main: Line("prometheus", False, f"{main}: no data", "look"),
        other: Line("prometheus", True, f"{other} = 1"),
    }

    assert _excused(main, by_name[main], by_name).ok
    assert other in _excused(main, by_name[main], by_name).what
    assert not _excused(main, by_name[main], {main: by_name[main]}).ok


@pytest.mark.parametrize(
    ("absent", "counted", "ok", "said"),
    [
        (False, (), None, "no bad event was ever counted on either path"),
        (False, ("errors.legacy_bad",), True, "no series, which counts as 0"),
        (False, ("errors.bad",), True, "no series, which counts as 0"),
        (True, (), True, "no series, which counts as 0"),
    ],
)
def test_bad_events_without_a_series_are_told_of_as_a_rollout_takes_them(oncall, absent, counted, ok, said):
    config = load(oncall.config)
    latency, errors = config.rollout.evidence
    plan = replace(config.rollout, evidence=(latency, replace(errors, absent_is_zero=absent)))

    class LastDay:
        def read_range(self, queries, start, end, step):
            assert end - start == timedelta(days=1)
            return {
                query.name: Series(
                    (None, 3.0 if query.name.removeprefix("evidence.") in counted else None), start, step
                )
                for query in queries
            }

    names = ("evidence.errors.bad", "evidence.p99.bad", "evidence.errors.total")
    by_name = {name: Line("prometheus", False, f"{name}: no data", "look") for name in names}

    found = _without_bad_events(LastDay(), replace(config, rollout=plan), by_name)

    assert found["evidence.errors.bad"].ok is ok
    assert said in found["evidence.errors.bad"].what
    assert found["evidence.p99.bad"].ok is False, "a difference of series"
    assert "one of them is missing" in found["evidence.p99.bad"].what
    assert "evidence.errors.total" not in found
    refused = {"evidence.errors.bad": Line("prometheus", False, "evidence.errors.bad: 422: parse error", "correct it")}
    assert _without_bad_events(LastDay(), config, refused) == {}


def test_status_reads_each_source_once_and_holds_no_lease(oncall):
    oncall("incident", "declare", "--severity", "SEV1", "down")
    before = oncall("log", "verify", "--json").json["head"]

    shown = oncall("status", "--json").json

    assert {source["state"] for source in shown["sources"] if source["name"] != "health"} == {"unreachable"}
    assert shown["alerts"]["value"] is None
    assert shown["alerts"]["state"] == "unreachable"
    assert {slo["ratio"]["value"] for slo in shown["slos"]} == {None}
    assert shown["incidents"][0]["label"] == "INC-1"
    assert (shown["mode"], shown["environment"], shown["shift"]) == ("live", "lighthouse/production", None)
    assert oncall("log", "verify", "--json").json["head"] == before
    assert "ESCALATION NOT RUNNING" in oncall("status").out


def test_another_environment(oncall):
    assert oncall("--env", "staging", "status", "--json").json["environment"] == "lighthouse/staging"
    assert "lighthouse/production, lighthouse/staging" in oncall("--env", "moon", "status", code=2).err


def test_no_configuration_offers_the_demo_and_init_in_one_line(oncall, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "record") if (tmp_path / "record").exists() else monkeypatch.chdir("/")

    result = oncall.bare("status", code=2)

    assert len(result.err.splitlines()) == 1
    assert "oncall demo" in result.err
    assert "oncall init" in result.err


def test_init_writes_an_example_that_is_valid_and_touches_nothing_there(oncall, tmp_path):
    target = tmp_path / "ours"
    oncall.bare("init", str(target))

    assert "complete and correct" in oncall.bare("--config", str(target), "check", code=1).out
    again = oncall.bare("init", str(target), code=2)
    assert "there already" in again.err
    assert len(again.err.splitlines()) == 1
    assert "cannot be written" in oncall.bare("init", "/proc/ours", code=2).err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_watch_takes_the_lease_logs_changes_and_gives_it_back(oncall, number):
    oncall("incident", "declare", "--severity", "SEV1", "bridge \x1b]0;pwned\x07 is down")
    before = int(oncall("log", "verify", "--json").json["head"].partition(":")[0])
    command = [
        sys.executable,
        "-m",
        "console",
        "--config",
        str(oncall.config),
        "--journal",
        str(oncall.journal),
        "watch",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as watch:
        lines = []
        for line in watch.stderr:
            lines.append(line)
            if "source health" in line:
                break
        watch.send_signal(number)
        rest, errors = watch.communicate(timeout=100)

    assert watch.returncode == 128 + number
    assert rest == ""
    assert "Traceback" not in errors
    text = "".join(lines)
    assert "engine: run by" in text
    assert "incident INC-1: SEV1 declared" in text
    assert "\x1b" not in text
    tail = oncall("log", "tail", "--all", "-n", "1000", "--json").out.splitlines()
    kinds = [event["kind"] for event in map(json.loads, tail) if event["seq"] > before]
    assert [kind for kind in kinds if kind.startswith("engine.")] == ["engine.lease_taken", "engine.lease_released"]


def test_the_unit_starts_what_there_is():
    from tests.servers import REPO

    unit = (REPO / "docs" / "oncall-watch.service").read_text()
    assert "oncall watch" in unit
    assert "Restart=always" in unit
    assert "Type=simple" in unit


def test_keys_of_ones_own_are_read_and_an_unknown_action_is_named(oncall):
    with (oncall.config / "console.yaml").open("a") as file:
        file.write("\nkeys:\n  declare: ctrl+n\n  fly: z\n")

    result = oncall("check", code=1)

    assert "BAD  config: keys: there is no action 'fly'" in result.out
    assert "'declare'" not in result.out


def test_where_there_can_be_no_journal_nothing_reads_as_calm(oncall):
    (oncall.config / "file").write_text("")
    for path, why in (("/proc/x/j.db", "/proc is not on a disk"), (f"{oncall.config}/file/j.db", "file is no folder")):
        for command in (
            ["incident", "ls"],
            ["incident", "ls", "--json"],
            ["status"],
            ["run", "ls"],
            ["rollout", "status"],
        ):
            result = oncall.bare("--config", str(oncall.config), "--journal", path, *command, code=2)
            assert result.out == ""
            assert f"{path}: found no journal there, and there can be none: " in result.err
            assert why in result.err
        result = oncall.bare("--config", str(oncall.config), "--journal", path, "check", code=1)
        assert f"BAD  journal: {path} cannot be made: " in result.out


def test_a_journal_that_is_not_there_does_not_read_as_calm(oncall):
    result = oncall("incident", "ls")

    assert f"no journal at {oncall.journal} yet" in result.err
    assert not oncall.journal.exists()


def test_a_broken_playbook_is_left_out_and_keeps_nobody_from_the_rest(oncall):
    playbook = oncall.config / "playbooks" / "daily-health-check.yaml"
    whole = playbook.read_text()
    playbook.write_text(whole + "\n  - nope: [\n")
    listed = oncall("playbook", "ls", "--json")
    assert "daily-health-check" not in {item["name"] for item in listed.json["playbooks"]}
    assert "emergency-rollback" in {item["name"] for item in listed.json["playbooks"]}
    [line] = listed.json["broken"]
    assert line.startswith(f"{playbook}:")
    assert oncall("incident", "declare", "It burns", "--severity", "SEV1").code == 0
    checked = oncall("check", code=1)
    assert line in checked.out
    playbook.write_text(whole.replace("owner:", "owned:", 1))
    assert any("owned" in line for line in oncall("playbook", "ls", "--json").json["broken"])
