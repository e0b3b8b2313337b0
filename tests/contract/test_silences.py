"""One suite over the Silences port: a real Alertmanager, and the simulated one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.engine.clocks import SimulatedClock, SystemClock
from console.integrations.alertmanager import Alertmanager, AlertmanagerSilences
from console.integrations.http import Http
from console.integrations.simulated import SimulatedAlerts, SimulatedSilences, World
from console.model.alert import AlertState, Matcher
from console.model.pager import ActOutcome
from console.model.silence import Silence, SilenceState
from console.ports import AlertSource, Clock, Rejected, Silences, SourceError
from console.settings.config import HttpSource
from console.settings.load import load
from tests.servers import wait_until

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
UNKNOWN = "00000000-0000-0000-0000-000000000000"


@dataclass
class Case:
    silences: Silences
    alerts: AlertSource
    clock: Clock
    name: str
    """Of an alert that fires."""
    break_it: Callable[[], object]

    def wanted(self, starts: timedelta = timedelta(0), **fields: object) -> Silence:
        now = self.clock.now().replace(microsecond=0)
        matchers = (Matcher("alertname", "=", self.name), Matcher("severity", "!~", "page|none.*"))
        made = Silence(matchers, now + starts, now + starts + HOUR, "ana", "known")
        return replace(made, **fields)

    def one(self, silence_id: str) -> Silence:
        [found] = [item for item in self.silences.read() if item.id == silence_id]
        return found

    def hidden_by(self) -> tuple[str, ...]:
        [found] = [alert for alert in self.alerts.read().alerts if alert.name == self.name]
        assert (found.state is AlertState.SUPPRESSED) is bool(found.silenced_by)
        return found.silenced_by


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.integration), "simulated"])
def case(request) -> Case:
    if request.param == "simulated":
        config, clock = load(Path(__file__).parents[2] / "config"), SimulatedClock(START)
        chosen = config.environments[0]
        world = World(clock, 1, config.rollout, config.objectives, chosen.components, START, target=chosen.target)
        broken = lambda: world.break_source("alertmanager")  # noqa: E731
        return Case(SimulatedSilences(world, "am"), SimulatedAlerts(world), clock, "DiskFillingUp", broken)
    server, clock = request.getfixturevalue("alertmanager"), SystemClock()
    source = HttpSource("one", server.url, timeout=timedelta(seconds=20))
    server.post_alerts([{"labels": {"alertname": "Slow", "severity": "warning"}}])
    silences = AlertmanagerSilences("am", [Http(source, clock)])
    return Case(silences, Alertmanager(source, "Watchdog", clock), clock, "Slow", server.stop)


def test_a_silence_hides_its_alerts_until_it_is_ended(case):
    assert case.hidden_by() == ()
    wanted = case.wanted()
    made = case.silences.create(wanted)
    assert (made.outcome, bool(made.text)) == (ActOutcome.DONE, True)
    assert wait_until(case.hidden_by) == (made.ref,)
    found = case.one(made.ref)
    assert (set(found.matchers), found.ends_at) == (set(wanted.matchers), wanted.ends_at)
    assert (found.state, found.cluster) == (SilenceState.ACTIVE, "am")
    assert (found.created_by, found.comment) == ("ana", "known")
    assert found.starts_at <= case.clock.now()
    assert found.starts_at.utcoffset() == found.ends_at.utcoffset() == timedelta(0)

    ended = case.silences.expire(made.ref)
    assert (ended.outcome, ended.ref) == (ActOutcome.DONE, made.ref)
    wait_until(lambda: case.hidden_by() == ())
    assert case.one(made.ref).state is SilenceState.EXPIRED
    again = case.silences.expire(made.ref)
    assert (again.outcome, again.at) == (ActOutcome.ALREADY, case.one(made.ref).ends_at)


def test_the_same_is_not_created_twice_and_anew_only_once_it_has_ended(case):
    wanted = case.wanted()
    made = case.silences.create(wanted)
    twin = case.silences.create(wanted)
    assert (twin.outcome, twin.ref) == (ActOutcome.ALREADY, made.ref)
    other = case.silences.create(replace(wanted, created_by="ben"))
    assert other.outcome is ActOutcome.DONE
    case.silences.expire(made.ref)
    anew = case.silences.create(wanted)
    assert anew.outcome is ActOutcome.DONE
    assert len({made.ref, other.ref, anew.ref}) == 3


def test_one_that_begins_later_is_pending_and_hides_nothing(case):
    made = case.silences.create(case.wanted(starts=HOUR))
    assert "pending" in made.text
    assert case.one(made.ref).state is SilenceState.PENDING
    assert case.hidden_by() == ()
    assert case.silences.expire(made.ref).outcome is ActOutcome.DONE
    assert case.one(made.ref).state is SilenceState.EXPIRED


def test_a_new_end(case):
    wanted = case.wanted()
    made = case.silences.create(wanted)
    moved = case.silences.extend(made.ref, wanted.ends_at + HOUR)
    assert moved.outcome is ActOutcome.DONE
    assert case.one(moved.ref).ends_at == wanted.ends_at + HOUR
    assert case.silences.extend(moved.ref, wanted.ends_at + HOUR).outcome is ActOutcome.ALREADY
    case.silences.expire(moved.ref)
    lost = case.silences.extend(moved.ref, wanted.ends_at + 2 * HOUR)
    assert lost.outcome is ActOutcome.LOST
    assert lost.at == case.one(moved.ref).ends_at


def test_what_cannot_be_right_is_refused(case):
    now = case.clock.now()
    everything = (Matcher("alertname", "=~", ".+"), Matcher("a", "=~", ".*"))
    for bad in (
        case.wanted(ends_at=now - HOUR),
        case.wanted(ends_at=now - HOUR, starts_at=now - 2 * HOUR),
        case.wanted(matchers=()),
        case.wanted(matchers=everything),
        case.wanted(ends_at=(now + HOUR).replace(tzinfo=None)),
    ):
        with pytest.raises(Rejected, match="not silenced"):
            case.silences.create(bad)
    made = case.silences.create(case.wanted())
    for end in (now - HOUR, (now + HOUR).replace(tzinfo=None)):
        with pytest.raises(Rejected, match="not changed"):
            case.silences.extend(made.ref, end)
    for change in (case.silences.expire, lambda silence_id: case.silences.extend(silence_id, now + HOUR)):
        with pytest.raises(Rejected, match="there is no silence"):
            change(UNKNOWN)


def test_an_outage_is_one_line(case):
    wanted, now = case.wanted(), case.clock.now()
    made = case.silences.create(wanted)
    case.break_it()
    for call in (
        case.silences.read,
        lambda: case.silences.create(wanted),
        lambda: case.silences.expire(made.ref),
        lambda: case.silences.extend(made.ref, now + 2 * HOUR),
    ):
        with pytest.raises(SourceError) as caught:
            call()
        assert not isinstance(caught.value, Rejected)
        assert str(caught.value).isprintable()
