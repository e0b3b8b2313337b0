from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from console.engine.clocks import SystemClock
from console.integrations.pagerduty import PagerDutyApi
from console.ports import SourceError
from console.settings.config import HttpSource, SecretRef
from tests.fakes.openapi import Judge
from tests.fakes.pagerduty import FakePagerDuty
from tests.integrations.fault_server import FaultServer, endless

TIMEOUT = 0.4
"""Seconds after which an answer is given up that never comes."""
MIXED = 1.5
"""The same where others are to come meanwhile: a busy machine needs its time for them."""
PLENTY = 20.0
"""Seconds for an answer that does come. The wait ends with it, however busy the machine is."""
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
def waits(request: pytest.FixtureRequest) -> float:
    """Seconds that a client waits: few for what never comes (where it is a parameter of the test), else plenty."""
    spec = getattr(request.node, "callspec", None)
    return TIMEOUT if spec is not None and any(map(endless, spec.params.values())) else PLENTY


def told_after(waits: float) -> float:
    """Seconds after which a client is to have said what is wrong, not counting its work: at its deadline, or soon."""
    return waits if waits < PLENTY else TIMEOUT


gives_up = pytest.mark.parametrize("waits", [TIMEOUT], ids=["short"])
"""For a test in which an answer never comes, and no other one matters."""
gives_up_one = pytest.mark.parametrize("waits", [MIXED], ids=["short"])
"""For a test in which one answer never comes, and others do."""


def failing(ask: Callable[[], object], kind: type[Exception] = SourceError) -> Callable[[], Exception]:
    """Asks, and gives the error."""

    def asked() -> Exception:
        with pytest.raises(kind) as caught:
            ask()
        return caught.value

    return asked


@pytest.fixture
def source(server, waits) -> HttpSource:
    """The fault server, with a token that must appear nowhere."""
    token = SecretRef("env", "PROBE_TOKEN")
    return HttpSource("probe", server.url, timeout=timedelta(seconds=waits), token=token)


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
