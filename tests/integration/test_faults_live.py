"""Each source that fails in each way, under running consoles: each says what is wrong, is well again by itself, and no
secret is anywhere. Numbers are those of the study."""

import asyncio
import logging
import re

import pytest

from console.model import commands as cmd
from console.model.people import Severity
from console.model.reading import ReadingState
from tests.fakes.connected import declare, running, secrets_of, until
from tests.fakes.door import REFUSED, Door, faults
from tests.fakes.mailbox import NEEDS_OPENSSL, certificate
from tests.fakes.outside import SLACK_SECRET, Outside, Sink
from tests.servers import Alertmanager, Prometheus

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("faults"), pytest.mark.timeout(300)]

LATE, OTHER, KEY = r"no (complete )?answer within", "a redirect to http://127.0.0.1", "check env:"
SAID = {
    REFUSED: "refuses the connection",
    "hung": LATE,
    "slow body": LATE,
    "half a JSON": "not JSON|cut off|not (Alertmanager|Slack)'s",
    "wrong types": "without|not|refuses every",
    "missing keys": "without|not",
    "401": KEY,
    "403": "forbid|may do",
    "429": "slow down",
    "500": "answers 500",
    "redirect": OTHER,
}


class Site:
    """One console's own way to the outside, with a fault in it."""

    def __init__(self, outside, behind, patch, number, name, evil):
        self.name, self.door = name, Door(behind)
        self.fault = faults(self.door, evil)[name]
        variable = f"SLACK_{number}"
        patch.setenv(variable, f"{self.door.url_of('slack')}/services/{SLACK_SECRET}")
        self.folder = outside.folder / f"site-{number}"
        self.config = outside.configure(
            self.door.url_of("prometheus"),
            [self.door.url_of("alertmanager")],
            pagerduty=self.door.url_of("pagerduty"),
            slack=variable,
            folder=self.folder / "config",
        )
        self.journal = self.folder / "record" / "journal.db"

    def break_(self):
        if self.fault == REFUSED:
            self.door.shut()
        else:
            self.door.fault = self.fault

    def heal(self):
        self.door.fault = None
        self.door.open()
        self.door.stop.set()  # what hangs is let go


SOURCES = ("prometheus", "am-1", "pagerduty")


def statuses(console):
    return {item.name: item for item in console.board.sources if item.name in SOURCES}


def slack(console):
    return [item for item in console.state.deliveries.values() if item.channel == "slack.incidents"]


async def live_through(site):
    """A console that starts blind, says so, and sees once its sources are well."""
    site.break_()
    async with running(site, site.journal) as console:
        await declare(console, f"{site.name} everywhere", severity=Severity.SEV4)
        if site.name == "clock 90 s off":
            await until(console, lambda: all(item.note for item in statuses(console).values()), site.name)
            said = {name: item.note for name, item in statuses(console).items()}
            await until(console, lambda: slack(console)[0].state == "sent", "the message")
        else:
            await until(
                console,
                lambda: (
                    all(item.state is ReadingState.UNREACHABLE for item in statuses(console).values())
                    and all(re.search(SAID[site.name], item.error) for item in statuses(console).values())
                    and all(item.error for item in slack(console))
                ),
                site.name,
            )
            said = {name: item.error for name, item in statuses(console).items()}
            said["slack"] = slack(console)[0].error
            assert console.board.feed.evidence is not ReadingState.OK
        site.heal()
        for item in slack(console):
            if item.state == "failed":
                await console.submit(cmd.RetryDelivery(item.id))
        await until(
            console,
            lambda: (
                all(item.state is ReadingState.OK and not item.note for item in statuses(console).values())
                and all(item.state == "sent" for item in slack(console))
            ),
            f"an end of {site.name}",
            timeout=100,  # whoever did not answer for long is asked once a minute
        )
        text = repr(console.board)
    return said, text


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """By fault: what was said of each source. All faults at once, each in a console of its own."""
    folder = tmp_path_factory.mktemp("faults")
    logs = []
    handler = logging.Handler(logging.DEBUG)
    handler.emit = lambda record: logs.append(record.getMessage() + (record.exc_text or ""))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    evil = Sink()
    try:
        with Outside(folder) as outside, secrets_of(outside) as patch:
            with Alertmanager(folder / "am") as alertmanager, Prometheus(folder / "prometheus") as prometheus:
                alertmanager.post_alerts([{"labels": {"alertname": "Watchdog"}}])
                behind = {
                    "prometheus": prometheus.url,
                    "alertmanager": alertmanager.url,
                    "pagerduty": outside.pagerduty.url,
                    "slack": outside.slack.url,
                }
                names = [*SAID, "clock 90 s off"]
                sites = [Site(outside, behind, patch, i, name, evil.url) for i, name in enumerate(names)]

                async def all_of_them():
                    return await asyncio.gather(*map(live_through, sites))

                try:
                    found = asyncio.run(all_of_them())
                finally:
                    for site in sites:
                        site.door.close()
            files = [path for path in folder.rglob("*") if path.is_file() and path.name != "webhook-token"]
            stored = b"".join(path.read_bytes() for path in files if "site-" in str(path))
            leaks = {
                canary
                for canary in outside.canaries
                if canary.encode() in stored or canary in "".join(logs) or any(canary in text for _, text in found)
            }
            yield {name: said for name, (said, _) in zip(names, found, strict=True)}, leaks, evil.requests
    finally:
        evil.close()
        root.removeHandler(handler)
        root.setLevel(level)


@pytest.mark.parametrize("fault", SAID)
def test_35_what_is_wrong_is_said_by_source_and_passes_by_itself(lived, fault):
    said = lived[0][fault]
    assert set(said) == {*SOURCES, "slack"}
    for source, error in said.items():
        assert re.search(SAID[fault], error), (source, error)


def test_24_a_clock_that_is_off_is_said_by_source(lived):
    said = lived[0]["clock 90 s off"]
    assert set(said) == set(SOURCES)
    assert all(note in {f"its clock is {n} s ahead of ours" for n in (89, 90, 91)} for note in said.values()), said


def test_43_45_no_secret_leaves_us_by_a_fault(lived):
    _, leaks, elsewhere = lived
    assert leaks == set()
    assert elsewhere == [], "a redirect is not followed"


async def test_45_a_certificate_that_is_not_trusted_gets_no_request(tmp_path):
    pair = certificate(tmp_path)
    if pair is None:
        pytest.skip(NEEDS_OPENSSL)
    with Outside(tmp_path) as outside, secrets_of(outside) as patch:
        door = Door({}, pair)
        try:
            patch.setenv("SLACK_WEBHOOK_URL", f"{door.url_of('slack')}/services/{SLACK_SECRET}")
            outside.configure(
                door.url_of("prometheus"), [door.url_of("alertmanager")], pagerduty=door.url_of("pagerduty")
            )
            async with running(outside, outside.journal) as console:
                await declare(console, "nobody to trust", severity=Severity.SEV4)
                await until(
                    console,
                    lambda: (
                        all("certificate is not trusted" in item.error for item in statuses(console).values())
                        and all("certificate is not trusted" in item.error for item in slack(console))
                    ),
                    "the distrust",
                )
            assert door.requests == []
        finally:
            door.close()
