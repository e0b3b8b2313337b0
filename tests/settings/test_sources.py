"""What lets us into an HTTP server: read as meant, refused with its place, and never shown."""

# ruff: noqa: E501 -- the lines are exact

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.settings.load import load
from console.settings.outside import BasicAuth, HttpSource, SecretRef, TlsFiles
from tests.servers import REPO
from tests.settings.conftest import Folder

URL = "      url: http://127.0.0.1:9190\n"
"""The Prometheus of staging, which has nothing else."""


def prometheus(folder: Folder, text: str, url: str = "https://prometheus.example/p/") -> int:
    """Gives it these keys. The line that they begin on."""
    folder.replace("console.yaml", URL, f"      url: {url}\n{text}")
    lines = (folder / "console.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if url in line) + 1


def source_of(folder: Folder) -> HttpSource:
    found = load(folder.path).environments[1].prometheus
    assert found is not None
    return found


def test_everything_as_it_is_meant(folder: Folder):
    prometheus(
        folder,
        """\
      basic_auth: {username: 123456, password: env:CLOUD_KEY}
      tls_config: {ca_file: ca.pem, cert_file: /etc/oncall/client.pem, key_file: ~/client.key, key_password: env:P}
      headers: {X-Scope-OrgID: team-a|team-b, X-Api-Key: file:api.key, Cookie: env:COOKIE}
      params: {dedup: true, partial_response: false, max_source_resolution: 5m, empty: "a b"}
""",
    )

    found = source_of(folder)

    assert found.url == "https://prometheus.example/p"
    assert found.basic_auth == BasicAuth("123456", SecretRef("env", "CLOUD_KEY"))
    home = str(Path("~").expanduser())
    assert found.tls == TlsFiles(
        str(folder / "ca.pem"), "/etc/oncall/client.pem", f"{home}/client.key", SecretRef("env", "P")
    )
    assert found.headers == (
        ("X-Scope-OrgID", "team-a|team-b"),
        ("X-Api-Key", SecretRef("file", str(folder / "api.key"))),
        ("Cookie", SecretRef("env", "COOKIE")),
    )
    assert dict(found.params) == {
        "dedup": "true",
        "partial_response": "false",
        "max_source_resolution": "5m",
        "empty": "a b",
    }
    assert [key for key, _ in found.secrets()] == [
        "basic_auth.password",
        "tls_config.key_password",
        "headers.X-Api-Key",
        "headers.Cookie",
    ]
    assert found.manner == (
        "basic auth; client certificate; a CA of its own; headers X-Scope-OrgID, X-Api-Key (secret), Cookie (secret); "
        "parameters dedup, partial_response, max_source_resolution, empty"
    )
    assert load(folder.path).warnings == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("token: env:A\n      basic_auth: {username: a, password: env:B}", "token and basic_auth"),
        ("token: env:A\n      headers: {authorization: env:B}", "token and the header authorization"),
    ],
)
def test_ways_in_that_exclude_each_other(folder: Folder, text: str, found: str):
    line = prometheus(folder, f"      {text}\n") - 1
    assert folder.lines() == [
        f"console.yaml:{line}:7: environments[1].prometheus: found {found}, expected one of them: a request has one Authorization header"
    ]


REFUSED = {
    "a user without a password": (
        "basic_auth: {username: a}",
        [".basic_auth.password: found nothing, expected env:NAME or file:PATH"],
    ),
    "a password": (
        "basic_auth: {username: a, password: canary-1}",
        [".basic_auth.password: found a value in place of a reference (not shown), expected env:NAME or file:PATH"],
    ),
    "a user with its password": (
        "basic_auth: {username: 'a:canary-1', password: env:A}",
        [
            ".basic_auth.username: found a name with a colon (not shown), expected a user's name; the password has a key of its own"
        ],
    ),
    "nothing of TLS": (
        "tls_config: {}",
        [".tls_config: found neither ca_file nor cert_file, expected one of them, or no tls_config"],
    ),
    "a key without a certificate": (
        "tls_config: {key_file: a, key_password: env:A}",
        [
            ".tls_config.key_file: found key_file without a certificate, expected cert_file, the certificate that the key belongs to",
            ".tls_config.key_password: found key_password without a certificate, expected cert_file, the certificate that the key belongs to",
        ],
    ),
    "an unknown key of TLS": (
        "tls_config: {ca_file: a, insecure_skip_verify: true}",
        [
            ".tls_config.insecure_skip_verify: found an unknown key, expected ca_file, cert_file, key_file or key_password"
        ],
    ),
    "a header's secret": (
        "headers: {X-Api-Key: canary-1}",
        [".headers.X-Api-Key: found a header that carries a secret (not shown), expected env:NAME or file:PATH"],
    ),
    "a reference that is none": (
        "headers: {X-Api-Key: 'env:canary 1'}",
        [".headers.X-Api-Key: found a value in place of a reference (not shown), expected env:NAME or file:PATH"],
    ),
    "a header of the request's own": (
        "headers: {Content-Length: 5}",
        [".headers.Content-Length: found Content-Length, which each request sets itself, expected another header"],
    ),
    "a header twice": (
        "headers: {X-Scope-OrgID: a, x-scope-orgid: b}",
        [
            ".headers.x-scope-orgid: found 'x-scope-orgid' again (the first is at line {line}), expected a header of its own"
        ],
    ),
    "a secret in the url": (
        "params: {api_key: canary-1, x: env:CANARY}",
        [
            ".params.api_key: found a secret in a url (not shown), expected a header, with env:NAME or file:PATH: addresses are logged on the way",
            ".params.x: found a secret in a url (not shown), expected a header, with env:NAME or file:PATH: addresses are logged on the way",
        ],
    ),
    "a list of parameters": ("params: [dedup]", [".params: found a list, expected a mapping"]),
}


@pytest.mark.parametrize(("text", "lines"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said_at_its_place_and_never_shown(folder: Folder, text: str, lines: list[str]):
    line = prometheus(folder, f"      {text}\n")
    found = folder.lines()
    assert [item.split(": ", 1)[1].removeprefix("environments[1].prometheus") for item in found] == [
        item.replace("{line}", str(line)) for item in lines
    ]
    assert all(item.startswith(f"console.yaml:{line}:") for item in found)
    assert "canary" not in "".join(found).lower().replace("env:canary", "")


def test_tls_without_tls(folder: Folder):
    line = prometheus(folder, "      tls_config: {ca_file: a}\n", "http://p.example")
    assert folder.lines() == [
        f"console.yaml:{line}:19: environments[1].prometheus.tls_config: found tls_config with an http url, expected https in url, or no tls_config"
    ]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://[::1]:9", "http://localhost", "https://p.example"])
def test_credentials_that_nobody_can_read_on_the_way(folder: Folder, url: str):
    prometheus(folder, "      token: env:A\n", url)
    assert load(folder.path).warnings == ()


def test_credentials_over_plain_http_are_noted(folder: Folder):
    line = prometheus(folder, "      headers: {Authorization: env:A}\n", "http://10.0.0.1:9090") - 1
    assert load(folder.path).warnings == (
        f"{folder / 'console.yaml'}:{line}:12: environments[1].prometheus.url: found credentials over plain http (the "
        "header Authorization), expected https, so that nobody reads them on the way",
    )


def test_the_examples_of_the_documentation_are_right(folder: Folder):
    page = (REPO / "docs" / "configuration.md").read_text()
    examples = re.findall(r"(?m)^ {4}# (\w+).*\n {4}prometheus:\n((?: {6}.*\n)+)", page)
    assert [name for name, _ in examples] == ["Thanos", "Mimir", "VictoriaMetrics", "Grafana", "A"]
    text = (folder / "console.yaml").read_text()
    for _, example in examples:
        (folder / "console.yaml").write_text(text.replace(URL, example))
        assert source_of(folder).manner.partition(" ")[0] in ("basic", "client", "headers", "parameters")
        assert load(folder.path).warnings == ()


def test_each_server_has_them(folder: Folder):
    """Alertmanagers, components, Grafana and webhooks, too."""
    text = (folder / "console.yaml").read_text()
    text = text.replace(
        "      url: http://127.0.0.1:9193\n",
        "      url: https://am.example\n      basic_auth: {username: a, password: env:AM}\n",
    )
    text = text.replace(
        "          url: http://127.0.0.1:8111/health\n",
        "          url: https://b.example/health\n          token: env:BRIDGE\n          tls_config: {ca_file: ca.pem}\n",
    )
    text = text.replace(
        "    environment: staging         # has no `notify`: nobody is paged for it\n",
        "    environment: staging\n    notify:\n"
        "      grafana: {url: https://g.example, basic_auth: {username: g, password: env:GRAFANA}}\n"
        "      webhooks: [{name: w, url: https://w.example, headers: {X-Signature-Key: env:HOOK}}]\n",
    )
    (folder / "console.yaml").write_text(text)

    found = load(folder.path).environments[1]

    assert found.alertmanagers[0].source.basic_auth == BasicAuth("a", SecretRef("env", "AM"))
    bridge, *others = found.components
    assert bridge.source is not None
    assert (bridge.url, bridge.source.token) == ("https://b.example/health", SecretRef("env", "BRIDGE"))
    assert bridge.source.tls == TlsFiles(str(folder / "ca.pem"))
    assert {item.source for item in others} == {None}
    assert [key for key, _ in found.notify.secrets()] == [
        "grafana.basic_auth.password",
        "webhooks.w.headers.X-Signature-Key",
    ]
