from collections.abc import Iterator
from datetime import timedelta

import pytest

from console.engine.clocks import SystemClock
from console.integrations.pagerduty import PagerDutyApi
from console.settings.config import HttpSource, SecretRef
from tests.fakes.openapi import Judge
from tests.fakes.pagerduty import FakePagerDuty
from tests.integrations.fault_server import FaultServer

TIMEOUT = 0.4
CANARY = "canary-4711-do-not-print"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    server = FaultServer()
    yield server
    server.close()


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture
def source(server) -> HttpSource:
    """The fault server, with a token that must appear nowhere."""
    token = SecretRef("env", "PROBE_TOKEN")
    return HttpSource("probe", server.url, timeout=timedelta(seconds=TIMEOUT), token=token)


@pytest.fixture
def token():
    return lambda ref: CANARY


@pytest.fixture
def fake(shared_dir) -> Iterator[FakePagerDuty]:
    """A PagerDuty whose every request is held against its specification."""
    with FakePagerDuty(Judge(shared_dir)) as running:
        yield running


@pytest.fixture
def api(fake) -> PagerDutyApi:
    """It, as the console's operator asks it."""
    return PagerDutyApi(fake.settings(), SystemClock(), fake.secret)
