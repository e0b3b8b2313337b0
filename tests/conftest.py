"""Fixtures for every test. The servers themselves, and `wait_until`, are in tests/servers.py."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from hypothesis import settings

from console.settings import tree
from console.settings.problems import Problems
from tests.servers import REPO, Alertmanager, Exporter, Prometheus
from tests.unleash_server import Unleash, running_unleash

settings.register_profile("tests", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("tests")

KEPT_TREES = 150
"""More files than any test loads more than once; those that were used last."""


def pytest_collection_finish() -> None:
    """What was imported stays: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _files_are_parsed_once() -> Iterator[None]:
    """The example and its 20 playbooks are loaded thousands of times. Their trees say the same each time, and nobody
    changes one; what has a mistake is parsed anew, so that it is reported."""
    parse, kept, lock = tree.parse, dict[bytes, list[tree.Tree]](), Lock()

    def parse_once(name: str, data: bytes, problems: Problems) -> list[tree.Tree]:
        with lock:
            found = kept.pop(data, None)
        if found is None:
            before = len(problems)
            found = parse(name, data, problems)
            if len(problems) > before:
                return found
        with lock:
            kept[data] = found
            if len(kept) > KEPT_TREES:
                del kept[next(iter(kept))]
        return list(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "parse", parse_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_outside_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the person who runs the tests: no journal, config, secret, proxy or terminal wish of theirs."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("ONCALL_", "PAGERDUTY_", "SLACK_", "GRAFANA_", "TEXTUAL")):
                patch.delenv(name)
            if name.lower() in {"http_proxy", "https_proxy", "all_proxy", "no_color", "force_color"}:
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        for kind in ("CONFIG", "DATA", "STATE", "CACHE"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        yield


@pytest.fixture
def shared_dir() -> Path:
    """../shared beside the checkout: contracts, corpora and vectors. Skips where it is absent."""
    folder = REPO.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared beside the checkout")
    return folder


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with Exporter() as running:
        yield running


@pytest.fixture
def start_prometheus(tmp_path: Path) -> Iterator[Callable[..., Prometheus]]:
    """start_prometheus(rules=..., scrape_targets=..., alertmanagers=...) gives a running, ready server."""
    with ExitStack() as running:
        count = iter(range(100))

        def start(**options: Any) -> Prometheus:
            return running.enter_context(Prometheus(tmp_path / f"prometheus-{next(count)}", **options))

        yield start


@pytest.fixture
def start_alertmanager(tmp_path: Path) -> Iterator[Callable[..., Alertmanager]]:
    """start_alertmanager(config=..., inhibit_rules=..., webhook=...) gives a running, ready server."""
    with ExitStack() as running:
        count = iter(range(100))

        def start(**options: Any) -> Alertmanager:
            return running.enter_context(Alertmanager(tmp_path / f"alertmanager-{next(count)}", **options))

        yield start


@pytest.fixture
def prometheus(start_prometheus: Callable[..., Prometheus]) -> Prometheus:
    """A bare Prometheus: nothing to scrape, no rules."""
    return start_prometheus()


@pytest.fixture
def alertmanager(start_alertmanager: Callable[..., Alertmanager]) -> Alertmanager:
    return start_alertmanager()


@pytest.fixture(scope="session")
def unleash() -> Iterator[Unleash]:
    """A real Unleash, one for all tests of the xdist group "unleash", which run in one process: it takes seconds to
    start. Each test makes flags of its own."""
    with running_unleash() as server:
        yield server
