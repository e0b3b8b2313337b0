"""What `oncall check` says about a Prometheus."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from console.integrations.http import Finding, Http, decode
from console.integrations.prometheus.batch import INSTANT
from console.integrations.prometheus.source import reading
from console.model.reading import ReadingState
from console.model.text import safe
from console.ports import NO_SERIES, Query, SourceError

if TYPE_CHECKING:
    from console.integrations.prometheus.source import Prometheus


PROBED = 3600.0
"""Seconds of the range that a template is tried with."""


class _Build(msgspec.Struct):
    version: str = ""


class _BuildInfo(msgspec.Struct):
    data: _Build = msgspec.field(default_factory=_Build)


_BUILD_INFO = msgspec.json.Decoder(_BuildInfo)
_STRING = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*""")
_BRACES = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
_METRIC = re.compile(r"(?<![\w:.])[a-zA-Z_:][a-zA-Z0-9_:]*(?![\w:]|\s*\()")
_WORDS = frozenset(
    (
        "and",
        "or",
        "unless",
        "bool",
        "offset",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "inf",
        "nan",
    )
)


def probe(source: Prometheus, queries: Sequence[Query]) -> list[Finding]:
    """The server first, then each expression alone, with the likely cause where one has no data."""
    findings = [_server(source.http)]
    if not findings[0].ok:
        return findings
    names: list[str] | None = None
    for query in queries:
        text = query.expr.strip()
        if not text:
            findings.append(Finding(source.name, False, f"{query.name}: no expression", "give one, or remove it"))
            continue
        found = reading(source.batch.single(INSTANT, text, {}, PROBED), source.http.clock.now(), source.name)
        if found.ok:
            findings.append(Finding(source.name, True, f"{query.name} = {found.value:g}"))
        elif found.state is ReadingState.NO_TRAFFIC:
            findings.append(Finding(source.name, True, f"{query.name}: no traffic ({found.note})"))
        elif found.state is ReadingState.PARTIAL:
            todo = "ask who runs the server: its answer is not complete"
            findings.append(Finding(source.name, False, f"{query.name} = {found.value:g}, but {found.note}", todo))
        elif found.note == NO_SERIES:
            if names is None:
                try:
                    names = source.metrics()
                except SourceError:
                    names = []
            findings.append(Finding(source.name, False, f"{query.name}: no data", _advice(text, names)))
        else:
            findings.append(Finding(source.name, False, f"{query.name}: {found.note}", "correct the expression"))
    return findings


def metric_names(http: Http) -> list[str]:
    """All metric names, by prometheus-api-client. Raises SourceError."""
    from urllib.parse import urlsplit

    import requests
    from prometheus_api_client import PrometheusConnect
    from prometheus_api_client.exceptions import PrometheusApiClientException
    from requests.adapters import BaseAdapter

    class Through(BaseAdapter):
        """Its requests go where all others go, with the same credentials, certificates, limits and time-out."""

        def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
            answer = http.ask("GET", urlsplit(request.url or "").path.removeprefix(urlsplit(url).path).lstrip("/"))
            response = requests.Response()
            response.request, response.url, response.status_code = request, url, answer.status
            response._content = answer.body
            return response

        def close(self) -> None:
            pass

    url = http.source.url.rstrip("/")
    with requests.Session() as session:
        session.trust_env = False  # ~/.netrc knows other credentials
        client = PrometheusConnect(url, session=session)
        session.mount(url, Through())  # in the place of its own
        try:
            return [safe(str(name), 200) for name in client.all_metrics()]
        except (requests.RequestException, PrometheusApiClientException, KeyError, TypeError, ValueError) as error:
            raise http.error(f"does not list its metrics ({type(error).__name__})") from None


def _server(http: Http) -> Finding:
    name = http.source.name
    try:
        answer = http.ask("GET", "api/v1/status/buildinfo")
        ready = http.ask("GET", "-/ready")
    except SourceError as error:
        return Finding(name, False, str(error), "correct the url, what it is asked with, or the network")
    if answer.status in (401, 403):
        return Finding(name, False, str(http.refusal(answer)), "correct what it is asked with")
    if ready.status == 503:
        return Finding(name, False, f"{http.where} is not ready yet", "wait for it to have read its data")
    try:
        version = decode(answer.body, _BUILD_INFO).data.version if answer.good else ""
    except ValueError:
        version = ""
    if not version and not ready.good:
        return Finding(name, False, str(http.refusal(answer)), "is this the address of a Prometheus?")
    return Finding(name, True, f"{http.where} answers, version {http.words(version) or 'unknown'}")


def _advice(text: str, names: Sequence[str]) -> str:
    """Which metric of an expression is not there, and which one may be meant."""
    if not names:
        return "nothing matches; check the names and labels"
    import difflib

    bare = _BRACES.sub(" ", _STRING.sub(" ", text))
    for found in dict.fromkeys(_METRIC.findall(bare)):
        if found not in names and found.lower() not in _WORDS:
            close = difflib.get_close_matches(found, names, 1, 0.75)
            meant = f"; did you mean {close[0]}?" if close else "; is it scraped?"
            return f"there is no metric {safe(found, 200)}{meant}"
    return "its metrics exist, but no series matches; check the labels"
