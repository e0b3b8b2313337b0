"""What `oncall check` says of what sets flags."""

from __future__ import annotations

import json

import pytest

from tests.unleash_server import EDITOR, ENVIRONMENT, VIEWER

FLAG = "lighthouse-elicitation"
UNLEASH = f"      type: unleash\n      environment: {ENVIRONMENT}\n      token: env:UNLEASH_TOKEN\n"


def flags(oncall, text: str) -> None:
    oncall.edit(r"environment: staging[^\n]*", f"environment: staging\n    flags:\n{text}")


def said(oncall, *, secret: bool = False) -> list[dict]:
    found = oncall("--env", "staging", "check", "--json", code=1).json["findings"]
    own = [item for item in found if item["source"] in ("flags", "unleash", "flags over http", "flag programs")]
    return own + [item for item in found if secret and "flags" in item["what"] and item not in own]


def test_without_any_that_is_said(oncall):
    assert [(item["ok"], item["what"]) for item in said(oncall)] == [
        (True, "none is configured: flags are set by hand")
    ]


def test_an_address_that_answers_and_one_that_does_not_know_the_flag(oncall, exporter, monkeypatch):
    monkeypatch.setenv("FLAGS_TOKEN", "s3cret-of-flags")
    text = (
        f"      type: http\n      url: {exporter.url}/v1/{{flag}}\n      percent: /percent\n"
        "      token: env:FLAGS_TOKEN\n      write: {body: '{\"percent\": {percent}}'}"
    )
    flags(oncall, text)
    assert [item["ok"] for item in said(oncall)] == [False]

    exporter.serve(f"/v1/{FLAG}", json.dumps({"percent": 5}), content_type="application/json")
    lines = said(oncall, secret=True)

    assert lines[0]["what"] == f"{FLAG} is at 5 %; that it may be written is shown by a write alone"
    assert {item["what"] for item in lines[1:]} == {
        "lighthouse/staging flags.token: env:FLAGS_TOKEN is set",
        "lighthouse/staging flags: asked with bearer token",
    }
    assert {line.split()[0] for line in exporter.requests} == {"GET"}
    assert "s3cret" not in json.dumps(lines)


def test_a_secret_that_is_missing_is_said_once(oncall):
    flags(oncall, f"{UNLEASH}      url: http://127.0.0.1:9")

    lines = [item["what"] for item in said(oncall, secret=True) if "UNLEASH_TOKEN" in item["what"]]

    assert len(lines) == 1
    assert lines[0].startswith("lighthouse/staging flags.token: env:UNLEASH_TOKEN")


@pytest.mark.integration
@pytest.mark.xdist_group("unleash")
def test_a_real_unleash_says_what_its_token_may_do(oncall, unleash, monkeypatch):
    flags(oncall, f"{UNLEASH}      url: {unleash.url}\n      timeout: 20s")
    monkeypatch.setenv("UNLEASH_TOKEN", unleash.token_of("checker", VIEWER))

    assert [(item["ok"], FLAG in item["what"]) for item in said(oncall)] == [(False, True)], "there is no such flag"
    unleash.flag(FLAG, "25")
    reads, may = said(oncall)
    assert (reads["ok"], reads["what"]) == (
        True,
        f"{FLAG} in development is at 25 % (on, flexibleRollout 25 % by default)",
    )
    assert (may["ok"], may["todo"]) == (
        False, "give its role UPDATE_FEATURE_STRATEGY and UPDATE_FEATURE_ENVIRONMENT in development",
    )  # fmt: skip
    monkeypatch.setenv("UNLEASH_TOKEN", unleash.token_of("setter", EDITOR))
    assert [item["ok"] for item in said(oncall)] == [True, True]
