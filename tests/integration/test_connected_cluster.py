"""Two real Alertmanagers that share their silences, one of them killed."""

from datetime import UTC, datetime, timedelta

import pytest

from console.model import commands as cmd
from console.model.alert import AlertState, Matcher
from console.model.reading import ReadingState
from console.model.silence import Silence
from tests.fakes.connected import alert, do, running, secrets_of, until
from tests.fakes.outside import Outside
from tests.servers import alertmanager_pair

pytestmark = pytest.mark.integration


@pytest.fixture
def pair(tmp_path):
    with alertmanager_pair(tmp_path / "pair") as (one, other):
        yield one, other


async def test_a_cluster_that_lost_one_goes_on(pair, tmp_path):
    one, other = pair
    alerts = [
        {"labels": {"alertname": name, "severity": severity}}
        for name, severity in (("Watchdog", "none"), ("Slow", "critical"))
    ]
    for server in pair:
        server.post_alerts(alerts)
    with Outside(tmp_path / "outside") as outside, secrets_of(outside):
        outside.configure("http://127.0.0.1:1", [one.url, other.url])
        async with running(outside, outside.journal) as console:
            await until(console, lambda: console.board.feed.evidence is ReadingState.OK, "evidence")
            assert [item.name for item in console.board.feed.alerts].count("Slow") == 1, "told by two, shown once"
            await until(
                console, lambda: not {"am-1", "am-2"} & {item.name for item in console.board.blind_spots}, "both peers"
            )

            one.kill()
            await until(console, lambda: "am-1" in {item.name for item in console.board.blind_spots}, "the blind spot")
            [blind] = [item for item in console.board.blind_spots if item.name == "am-1"]
            assert "refuses the connection" in blind.error
            assert console.board.feed.evidence is ReadingState.OK
            assert alert(console, "Slow").state is AlertState.ACTIVE

            [silences] = console._world.silences
            now = datetime.now(UTC)
            by_name = (Matcher("alertname", "=", "Slow"),)
            wanted = Silence(by_name, now, now + timedelta(hours=1), "alice", "known", cluster=silences.cluster)
            await do(console, cmd.CreateSilence(wanted))
            await until(console, lambda: alert(console, "Slow").state is AlertState.SUPPRESSED, "its suppression")
            [kept] = await until(console, lambda: console.board.silences, "the silence")
            assert [item["comment"] for item in other.silences().values()] == ["known"]
            await do(console, cmd.ExpireSilence(kept))
            await until(console, lambda: alert(console, "Slow").state is AlertState.ACTIVE, "the alert again")

            one.start()
            await until(console, lambda: "am-1" not in {item.name for item in console.board.blind_spots}, "its return")
            assert console.board.feed.evidence is ReadingState.OK
            other.kill()
            await until(console, lambda: "am-2" in {item.name for item in console.board.blind_spots}, "the other's end")
            # The one that came back has forgotten its alerts: its empty list is no evidence of calm.
            await until(
                console, lambda: console.board.feed.evidence is not ReadingState.OK, "doubt, without the watchdog"
            )
