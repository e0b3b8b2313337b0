"""What environments write to, links, filters, and who is told: read as meant, and refused where it is not."""

# ruff: noqa: E501 -- the lines are exact

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from console.model.alert import Matcher
from console.model.escalation import OnCallRole
from console.model.message import Topic
from console.model.people import ESCALATION, Severity
from console.settings.load import load
from console.settings.outside import Alertmanager, Email, HttpSource, SecretRef, SlackWebhook
from tests.settings.conftest import Folder

STAGING = "    environment: staging         # has no `notify`: nobody is paged for it\n"
"""Where a test puts what it is about: `notify` of an environment that has none."""


def notify(folder: Folder, text: str) -> None:
    """Gives staging these channels. The text begins on line {LINE}."""
    folder.replace("console.yaml", STAGING, f"{STAGING}    notify:\n{text}")


def line_of(folder: Folder, name: str, text: str) -> int:
    return next(number for number, line in enumerate((folder / name).read_text().splitlines(), 1) if text in line)


def about(folder: Folder, start: str) -> list[str]:
    """The lines on what a test wrote, without file, line and column, which are asserted elsewhere."""
    return [line.split(": ", 1)[1].removeprefix(start) for line in folder.lines()]


REFUSED: list[tuple[str, list[str]]] = [
    ("pagerdutty: {}", [".pagerdutty: found an unknown key, expected 'pagerduty'"]),
    ("pagerduty: env:KEY", [".pagerduty: found a text, expected a mapping"]),
    ("pagerduty: {}", [".pagerduty: found neither token nor events_key, expected one of them, or no pagerduty"]),
    (
        "pagerduty: {token: u+hunter2hunter2, services: [P1]}",
        [".pagerduty.token: found a value in place of a reference (not shown), expected env:NAME or file:PATH"],
    ),
    (
        "pagerduty: {token: env:KEY}",
        [".pagerduty.services: found nothing, expected a list of PagerDuty service ids"],
    ),
    (
        "pagerduty: {token: env:KEY, services: [P1, P1], sender: nobody}",
        [
            ".pagerduty.services[1]: found 'P1' again (the first is at line {line}), expected a service of its own",
            ".pagerduty.sender: found 'nobody', expected an e-mail address",
        ],
    ),
    (
        "pagerduty: {events_key: env:KEY, sender: a@b.example, services: [P1]}",
        [
            ".pagerduty.sender: found sender without a token, expected a token, PagerDuty's REST API key",
            ".pagerduty.services: found services without a token, expected a token, PagerDuty's REST API key",
        ],
    ),
    (
        "pagerduty: {events_key: hunter2hunter2, test_events_key: hunter2, events_url: ftp://x}",
        [
            ".pagerduty.events_key: found a value in place of a reference (not shown), expected env:NAME or file:PATH",
            ".pagerduty.test_events_key: found a value in place of a reference (not shown), expected env:NAME or file:PATH",
            ".pagerduty.events_url: found 'ftp://x', expected an http or https URL",
        ],
    ),
    (
        "pagerduty: {events_url: 'https://a.example:99999'}",
        [
            ".pagerduty.events_url: found 'https://a.example:99999', expected an http or https URL with a port from 1 to"
            " 65535, or without one",
            ".pagerduty: found neither token nor events_key, expected one of them, or no pagerduty",
        ],
    ),
    ("slack: env:HOOK", [".slack: found a text, expected a list of webhooks, each with a name"]),
    (
        "slack: [{name: a, webhook: https://hooks.slack.com/services/T0/B0/hunter2}]",
        [".slack[0].webhook: found a value in place of a reference (not shown), expected env:NAME or file:PATH"],
    ),
    (
        "slack: [{name: https://hooks.slack.com/services/T0/B0/hunter2}]",
        [
            ".slack[0].webhook: found nothing, expected env:NAME or file:PATH",
            ".slack[0].name: found a secret (not shown), expected the name of a channel; a secret stays outside of this file",
        ],
    ),
    (
        "slack: [{name: a, webhook: env:A}, {name: a, webhook: env:B}]",
        [".slack[1]: found 'a' again (the first is at line {line}), expected a name of its own"],
    ),
    (
        "slack: [{name: a, webhook: env:A, topics: [securty], least: sev2, test: hunter2}]",
        [
            ".slack[0].topics[0]: found 'securty', expected 'security'",
            ".slack[0].least: found 'sev2', expected 'SEV2'",
            ".slack[0].test: found a value in place of a reference (not shown), expected env:NAME or file:PATH",
        ],
    ),
    (
        "slack: [{name: a, webhook: env:A, topics: []}]",
        [".slack[0].topics: found an empty list, expected a list of topics"],
    ),
    (
        "slack: [{name: a, webhook: env:A, topics: [alerts, alerts]}]",
        [".slack[0].topics[1]: found 'alerts' again (the first is at line {line}), expected a topic of its own"],
    ),
    (
        "email: {}",
        [
            ".email.host: found nothing, expected the host of a mail server",
            ".email.sender: found nothing, expected an e-mail address",
            ".email.to: found nothing, expected a list of e-mail addresses",
        ],
    ),
    (
        "email: {host: mail, sender: a@b.example, to: [], security: ssl, port: 65536}",
        [
            ".email.to: found an empty list, expected a list of e-mail addresses",
            ".email.security: found 'ssl', expected starttls, tls or none",
            ".email.port: found '65536', expected a port from 1 to 65535",
        ],
    ),
    (
        "email: {host: mail, sender: 'a@b.example, c@d.example', to: [b], port: 2.5}",
        [
            ".email.sender: found 'a@b.example, c@d.example', expected an e-mail address",
            ".email.to[0]: found 'b', expected an e-mail address",
            ".email.port: found '2.5', expected a port from 1 to 65535",
        ],
    ),
    (
        "email: {host: mail, sender: a@b.example, to: [a@b.example], user: a}",
        [".email: found one of user and password, expected both or neither"],
    ),
    (
        "email: {host: mail, sender: a@b.example, to: [a@b.example], user: a, password: hunter2}",
        [".email.password: found a value in place of a reference (not shown), expected env:NAME or file:PATH"],
    ),
    (
        "email: {host: mail, sender: a@b.example, to: [a@b.example], user: a, password: env:P, security: none}",
        [".email.security: found 'none' with a password, expected starttls or tls, so that nobody reads it on the way"],
    ),
    (
        "grafana: {}",
        [
            ".grafana.url: found nothing, expected an http or https URL",
            ".grafana.token: found nothing, expected env:NAME or file:PATH",
        ],
    ),
    (
        "grafana: {url: http://x, token: glsa_hunter2, tags: lighthouse}",
        [
            ".grafana.token: found a value in place of a reference (not shown), expected env:NAME or file:PATH",
            ".grafana.tags: found a text, expected a list of tags",
        ],
    ),
    (
        "webhooks: [{name: a, url: 'https://x/?key=hunter2', headers: {X-Api-Key: hunter2}}]",
        [
            ".webhooks[0].url: found a URL with a query or fragment (not shown), expected an http or https URL without a query or fragment",
            ".webhooks[0].headers.X-Api-Key: found a header that carries a secret (not shown), expected env:NAME or file:PATH",
        ],
    ),
    (
        "webhooks: [{name: a, url: http://x}, {name: a, url: http://y}]",
        [".webhooks[1]: found 'a' again (the first is at line {line}), expected a name of its own"],
    ),
]


@pytest.mark.parametrize(("text", "lines"), REFUSED)
def test_a_channel_is_refused_with_its_place_and_without_its_secret(folder: Folder, text: str, lines: list[str]):
    notify(folder, f"      {text}\n")
    line = line_of(folder, "console.yaml", text)

    found = folder.lines()

    assert sorted(about(folder, "environments[1].notify")) == sorted(item.format(line=line) for item in lines)
    assert all(item.startswith(f"console.yaml:{line}:") for item in found)
    assert "hunter2" not in "".join(found)


def test_every_channel_as_it_is_meant(folder: Folder):
    notify(
        folder,
        """\
      pagerduty: {events_key: env:EVENTS}
      slack:
        - {name: all, webhook: file:hook, test: env:TEST_HOOK}
        - {name: few, webhook: env:HOOK, topics: [security, performance], least: SEV2}
      email: {host: mail.example, sender: oncall@x.example, to: [a@x.example], security: tls, test_to: [b@x.example]}
      grafana: {url: https://grafana.example/g/, token: env:GRAFANA, dashboard_uid: abc, tags: [one, two]}
      webhooks: [{name: page, url: https://x.example/hook, token: env:HOOK_TOKEN, timeout: 9s, topics: [incidents]}]
""",
    )

    found = load(folder.path).environments[1].notify

    assert (found.pagerduty.source.url, found.pagerduty.events_url) == (
        "https://api.pagerduty.com",
        "https://events.pagerduty.com",
    )
    assert (found.pagerduty.source.token, found.pagerduty.services) == (None, ())
    assert found.slack == (
        SlackWebhook("all", SecretRef("file", str(folder / "hook")), tuple(Topic), test=SecretRef("env", "TEST_HOOK")),
        SlackWebhook("few", SecretRef("env", "HOOK"), (Topic.SECURITY, Topic.PERFORMANCE), Severity.SEV2),
    )
    assert found.email == Email(
        "mail.example", 465, "oncall@x.example", ("a@x.example",), "tls", topics=tuple(Topic), test_to=("b@x.example",)
    )
    assert found.grafana.source.url == "https://grafana.example/g"
    assert (found.grafana.dashboard_uid, found.grafana.tags) == ("abc", ("one", "two"))
    (hook,) = found.webhooks
    assert hook.source == HttpSource(
        "page", "https://x.example/hook", timeout=timedelta(seconds=9), token=SecretRef("env", "HOOK_TOKEN")
    )
    assert hook.topics == (Topic.INCIDENTS,)
    assert [key for key, _ in found.secrets()] == [
        "pagerduty.events_key",
        "slack.all.webhook",
        "slack.all.test",
        "slack.few.webhook",
        "grafana.token",
        "webhooks.page.token",
    ]


def alertmanagers(folder: Folder, text: str) -> None:
    folder.replace("console.yaml", "alertmanager:\n      url: http://127.0.0.1:9193", f"alertmanager: {text}")


def test_several_alertmanagers_have_names_of_their_own(folder: Folder):
    alertmanagers(folder, "[{url: http://a}, {url: http://b, name: west, cluster: far}]")

    production, staging = load(folder.path).environments

    assert [item.source.name for item in production.alertmanagers] == ["alertmanager"]
    assert staging.alertmanagers == (
        Alertmanager(HttpSource("alertmanager 1", "http://a")),
        Alertmanager(HttpSource("west", "http://b"), "far"),
    )


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[]", ["alertmanager: found an empty list, expected an Alertmanager, or a list of them"]),
        ("http://a", ["alertmanager: found a text, expected a mapping"]),
        (
            "[{url: http://a, name: east}, {url: http://b, name: east}]",
            ["alertmanager[1]: found 'east' again (the first is at line {line}), expected a name of its own"],
        ),
        (
            "[{url: http://a}, {uri: http://b}]",
            [
                "alertmanager[1].uri: found an unknown key, expected name, cluster, url, interval, timeout, token, basic_auth, tls_config, headers or params",
                "alertmanager[1].url: found nothing, expected an http or https URL",
            ],
        ),
    ],
)
def test_alertmanagers_that_are_wrong(folder: Folder, text: str, lines: list[str]):
    alertmanagers(folder, text)
    line = line_of(folder, "console.yaml", f"alertmanager: {text}")
    assert sorted(about(folder, "environments[1].")) == sorted(item.format(line=line) for item in lines)


LINK = "url: https://logs.example.com/search?query=service:{job}"
PLACES = "an http or https URL with {label} or {annotation.NAME} in its path, query or fragment"


@pytest.mark.parametrize(
    ("url", "found", "expected"),
    [
        ("javascript:alert({job})", "'javascript:alert({job})'", PLACES),
        ("ftp://x/{job}", "'ftp://x/{job}'", PLACES),
        ("https://{job}/x", "'https://{job}/x'", PLACES),
        ("https://a.{job}.example/x", "'https://a.{job}.example/x'", PLACES),
        ("'{scheme}://x/'", "'{scheme}://x/'", PLACES),
        ("https://x/{job", "'https://x/{job'", PLACES),
        ("https://x/job}", "'https://x/job}'", PLACES),
        ("https://x/a b", "'https://x/a b'", PLACES),
        ("https:///path", "'https:///path'", PLACES),
        ("https://x:99999/", "'https://x:99999/'", PLACES),
        ("https://x/{}", "the placeholder '{}'", "{label} or {annotation.NAME}"),
        ("https://x/{label.job}", "the placeholder '{label.job}'", "{label} or {annotation.NAME}"),
        ("https://x/{job!r}", "the placeholder '{job!r}'", "{label} or {annotation.NAME}"),
        ("https://x/{job:>9999999}", "the placeholder '{job:>9999999}'", "{label} or {annotation.NAME}"),
        ("https://u:p@x/{job}", "a secret (not shown)", f"{PLACES}; a secret stays outside of this file"),
    ],
)
def test_a_link_that_is_refused(folder: Folder, url: str, found: str, expected: str):
    folder.replace("console.yaml", LINK, f"url: {url}")
    assert about(folder, "") == [f"links[0].url: found {found}, expected {expected}"]


def test_links_filters_bell_and_runbooks(folder: Folder):
    (folder / "our-runbooks").mkdir()
    folder.replace("console.yaml", LINK, "url: https://x.example/{annotation.trace_id}#{job}")
    folder.replace("console.yaml", "bell: true", "bell: false")
    folder.replace("console.yaml", "# runbooks: runbooks", "runbooks: our-runbooks")

    config = load(folder.path)

    assert config.links[0].url == "https://x.example/{annotation.trace_id}#{job}"
    assert [item.filter for item in config.filters] == [
        'severity="critical"',
        'severity=~"warning|critical" latency',
    ]
    assert config.bell is False
    assert config.runbooks == folder / "our-runbooks"


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (
            'filter: severity="critical"',
            "filter: '@stat=active'",
            [
                "filters[0].filter: found '@stat=active', expected matchers and words such as severity=\"critical\" timeout"
            ],
        ),
        (
            'filter: severity="critical"',
            "filter: severity=~(",
            ["filters[0].filter: found 'severity=~(', expected a regular expression that compiles ('missing ): (')"],
        ),
        (
            "name: latency\n    filter",
            "name: urgent\n    filter",
            ["filters[1]: found 'urgent' again (the first is at line {first}), expected a name of its own"],
        ),
        (
            "title: traces",
            "title: logs",
            ["links[1]: found 'logs' again (the first is at line {links}), expected a title of its own"],
        ),
        ("bell: true", "bell: loud", ["bell: found 'loud', expected true or false"]),
        (
            "# runbooks: runbooks",
            "runbooks: gone",
            [
                "runbooks: found 'gone', which is no folder, expected a folder of Markdown files, each named after an alert"
            ],
        ),
        ("environments:", "notify: {}\nenvironments:", ["notify: found an unknown key, expected {top}"]),
    ],
)
def test_other_keys_that_are_wrong(folder: Folder, old: str, new: str, lines: list[str]):
    places = {
        "first": line_of(folder, "console.yaml", "- name: urgent"),
        "links": line_of(folder, "console.yaml", "- title: logs"),
        "top": "apiVersion, kind, environments, links, filters, bell, runbooks, journal, playbooks, without, keys or variables",
    }
    folder.replace("console.yaml", old, new)
    assert about(folder, "") == [line.format(**places) for line in lines]


PEOPLE: list[tuple[str, str, str, list[str]]] = [
    (
        "people.yaml",
        "on_call:",
        "on_cal:",
        [
            "people.yaml:2:1: on_call: found nothing, expected who is told when nobody acknowledges, by role: primary, secondary, lead",
            "people.yaml:{line}:1: on_cal: found an unknown key, expected 'on_call'",
        ],
    ),
    (
        "people.yaml",
        "people: [alice]",
        "people: [alise]",
        ["people.yaml:{line}:14: on_call.primary.people[0]: found the unknown person 'alise', expected 'alice'"],
    ),
    (
        "people.yaml",
        "people: [alice]",
        "people: [alice, alice]",
        [
            "people.yaml:{line}:21: on_call.primary.people[1]: found 'alice' again (the first is at line {line}), expected a person of its own"
        ],
    ),
    (
        "people.yaml",
        "  primary:\n    people: [alice]\n",
        "  primary: [alice]\n",
        ["people.yaml:{line}:12: on_call.primary: found a list, expected a mapping"],
    ),
    (
        "people.yaml",
        "people: [alice]",
        "people: []",
        ["people.yaml:{line}:13: on_call.primary.people: found an empty list, expected a list of people"],
    ),
    (
        "people.yaml",
        "  primary:\n    people: [alice]\n",
        "  primary: {}\n",
        ["people.yaml:{line}:12: on_call.primary: found neither people nor a schedule, expected somebody who is told"],
    ),
    (
        "people.yaml",
        "matchers: ['team=\"security\"']",
        "matchers: [team is security]",
        [
            "people.yaml:{line}:16: teams[0].matchers[0]: found 'team is security', expected a matcher: name=\"value\", with =, !=, =~ or !~"
        ],
    ),
    (
        "people.yaml",
        "matchers: ['team=\"security\"']",
        "matchers: []",
        ["people.yaml:{line}:15: teams[0].matchers: found an empty list, expected a list of matchers"],
    ),
    (
        "people.yaml",
        "- name: performance",
        "- name: security",
        [
            "people.yaml:{line}:5: teams[1]: found 'security' again (the first is at line {teams}), expected a name of its own"
        ],
    ),
    (
        "people.yaml",
        "people: [dave]",
        "people: [eve]",
        [
            "people.yaml:{line}:14: teams[0].people[0]: found the unknown person 'eve', expected alice, bob, carol or dave"
        ],
    ),
    (
        "people.yaml",
        "email: alice@example.com",
        "email: alice",
        ["people.yaml:{line}:14: people[0].contacts.email: found 'alice', expected an e-mail address"],
    ),
    (
        "severity.yaml",
        "escalation: [primary, secondary, lead]",
        "escalation: [primary, secondry, lead]",
        [
            "severity.yaml:{line}:27: severities.SEV1.escalation[1]: found the unknown on-call role 'secondry', expected 'secondary'"
        ],
    ),
    (
        "severity.yaml",
        "escalation: [primary, secondary, lead]",
        "escalation: []",
        ["severity.yaml:{line}:17: severities.SEV1.escalation: found an empty list, expected a list of on-call roles"],
    ),
    (
        "severity.yaml",
        "escalation: [primary, secondary, lead]",
        "escalation: [primary, lead, primary]",
        [
            "severity.yaml:{line}:33: severities.SEV1.escalation[2]: found 'primary' again (the first is at line {line}), expected each level a role of its own"
        ],
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "lines"), PEOPLE)
def test_57_a_level_that_nobody_holds_or_that_is_never_reached(
    folder: Folder, name: str, old: str, new: str, lines: list[str]
):
    places = {
        "line": line_of(folder, name, old.splitlines()[0]),
        "teams": line_of(folder, "people.yaml", "- name: security"),
    }
    folder.replace(name, old, new)
    assert folder.lines() == [line.format(**places) for line in lines]


def test_57_a_role_that_is_told_by_default_must_be_held(folder: Folder):
    folder.replace("people.yaml", "  lead:\n    people: [carol]\n", "")
    assert [line.split(": ", 1)[1] for line in folder.lines()] == [
        "severities.SEV1.escalation[2]: found the unknown on-call role 'lead', expected primary or secondary",
        "severities.SEV2.escalation: found the unknown on-call role 'lead', expected primary or secondary",
        "severities.SEV3.escalation: found the unknown on-call role 'lead', expected primary or secondary",
    ]


def test_57_a_level_that_tells_nobody_else_is_flagged(folder: Folder):
    folder.replace("people.yaml", "people: [carol]", "people: [alice, bob]")
    assert [warning.split(": ", 1)[1] for warning in load(folder.path).warnings] == [
        f"severities.{severity}: found the role 'lead', whose people are all told before, expected somebody else"
        for severity in ("SEV1.escalation[2]", "SEV2.escalation", "SEV3.escalation")
    ]
    folder.replace("people.yaml", "people: [alice, bob]", "people: [alice]\n    schedule: PSCHED1")
    assert load(folder.path).warnings == ()


def test_somebody_who_cannot_be_reached_is_flagged(folder: Folder):
    text = (folder / "people.yaml").read_text()
    start, end = text.index("    contacts:"), text.index("  - name: bob")
    (folder / "people.yaml").write_text(text[:start] + text[end:])
    (warning,) = load(folder.path).warnings
    assert "on_call.primary.people: found nobody with contacts, expected somebody who can be reached" in warning


def test_roles_teams_and_levels_as_they_are_meant(folder: Folder):
    folder.replace("people.yaml", "    people: [alice]\n    # schedule", "    schedule")
    config = load(folder.path)
    assert config.on_call == (
        OnCallRole("primary", (), "PSCHED1"),
        OnCallRole("secondary", ("bob",)),
        OnCallRole("lead", ("carol",)),
    )
    security, performance = config.teams
    assert (security.name, security.people) == ("security", ("dave",))
    assert security.matchers == (Matcher("team", "=", "security"),)
    assert performance.matchers[0].matches({"alertname": "P99LatencyHigh"})
    assert [rule.escalation for rule in config.severities] == [*[ESCALATION] * 3, ("primary",), ("primary",)]
    assert dict(config.people[0].contacts)["email"] == "alice@example.com"


def test_44_init_writes_what_nobody_else_reads(folder: Folder):
    modes = {path.stat().st_mode & 0o777 for path in folder.path.rglob("*") if path.is_file()}
    assert (folder.path.stat().st_mode & 0o777, modes) == (0o700, {0o600})
    assert load(folder.path).warnings == ()


def test_44_files_that_everybody_reads_are_flagged_once(folder: Folder):
    for name in ("people.yaml", "slo/errors.yaml"):
        (folder / name).chmod(0o644)
    assert load(folder.path).warnings == (), "nobody else gets into the folder"
    folder.path.chmod(0o755)
    assert load(folder.path).warnings == (
        f"{folder.path}:1:1: (folder): found files that every user of this host can read (people.yaml, "
        "slo/errors.yaml), expected none (chmod -R o-rwx)",
    )


@pytest.mark.parametrize("mode", [0o620, 0o602])
@pytest.mark.parametrize("name", ["console.yaml", "playbooks/p99-latency-high.yaml", "slo/errors.yaml"])
def test_44_a_file_that_others_change_is_flagged(folder: Folder, name: str, mode: int):
    (folder / name).chmod(mode)
    assert load(folder.path).warnings == (
        f"{folder / name}:1:1: (file): found mode {mode:04o}: others can change it, expected changes by its owner alone "
        "(chmod go-w)",
    )


def test_44_a_folder_that_others_change_is_flagged(folder: Folder, tmp_path: Path):
    elsewhere = tmp_path / "ours"
    (folder / "playbooks").rename(elsewhere)
    elsewhere.chmod(0o770)
    folder.replace("console.yaml", "# playbooks: ../our-playbooks", "playbooks: ../ours")
    (warning,) = load(folder.path).warnings
    assert warning.startswith(f"{folder.path}/../ours:1:1: (folder): found mode 0770: others can change it")
