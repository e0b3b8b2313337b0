"""The alert feed under load: folding it, keys while it refreshes, from the source to the screen, and what stays.

    python benchmarks/feed.py

Keys are pressed through a pseudo-terminal, on a console over an engine in memory. Takes two minutes. Exits with 1
above a goal.
"""

import asyncio
import gc
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import _pty

ALERTS, CHANGED = 10_000, 100
PRESSES, ROUNDS = 105, 3
GOALS = {60: 2.0, 120: 4.0}
"""By frames a second: how many times its quiet figure a key may take while the feed refreshes."""
POLL, LATE_MS = 1.0, 100.0
REFRESHES, GROWTH_MB = 500, 10.0
"""Resident memory may grow by so much in that many refreshes."""


# -- the console that is measured -------------------------------------------------------------------------------------


def app(count: int, refreshing: bool, poll: float) -> None:
    """A console on `count` alerts of which every `poll` seconds one in a hundred is another, and one is new by name.
    SIGUSR1 starts it, or ends it."""
    from console.bootstrap.common import settle
    from console.model.board import AlertFeed
    from console.tui.launch import run
    from tests.tui import feeds
    from tests.tui.fake import FakeEngine, StillClock

    class Ticking(StillClock):
        began = datetime.now(UTC)

        def now(self):
            return self.at + (datetime.now(UTC) - self.began)

    class Refreshing(FakeEngine):
        async def start(self):
            await super().start()
            self.going = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.toggle)
            self.task = asyncio.create_task(self.poll())
            if refreshing:
                self.going.set()

        def toggle(self):
            (self.going.clear if self.going.is_set() else self.going.set)()

        async def poll(self):
            alerts = list(self.board.feed.alerts)
            while True:
                await self.going.wait()
                # The source has it at some moment, and is asked for it once in `poll` seconds.
                wait = random.random() * poll
                await asyncio.sleep(wait)
                new = feeds.alert(1, f"T{time.monotonic_ns()}", severity="page", minutes=0.0)
                await asyncio.sleep(poll - wait)
                for place in random.sample(range(1, len(alerts)), len(alerts) // 100):
                    alerts[place] = replace(alerts[place], annotations=(("summary", f"seen {time.monotonic_ns()}"),))
                alerts[0] = new
                self.show(feed=AlertFeed(tuple(alerts), self.board.feed.evidence, self.clock.now(), ""))

    def start():
        settle()
        clock = Ticking()
        engine = Refreshing(feeds.board(feeds.many(count)), clock)
        return engine, clock

    sys.exit(run(start, title="oncall FEED"))


def child(refreshing: bool, fps: int, count: int = ALERTS, poll: float = POLL) -> _pty.Child:
    command = (sys.executable, str(Path(__file__)), "app", str(count), str(int(refreshing)), str(poll))
    found = _pty.Child(command, TEXTUAL_FPS=str(fps))
    found.until("ALERTS")
    _pty.read_all([found], 1.0)
    os.write(found.fileno(), b"5")
    found.until("severity first, grouped")
    _pty.read_all([found], 2.0)
    return found


def p99_ms(running: _pty.Child, presses: int) -> float:
    """The 99th percentile of a key to its first bytes."""
    keys = [running.press("jk"[number % 2], quiet=0.01 + 0.02 * random.random()) for number in range(presses)]
    return _pty.percentile([seconds * 1e3 for seconds, _ in keys], 0.99)


def keys(
    fps: int,
    presses: int = PRESSES,
    rounds: int = ROUNDS,
    most: int = 1,
    enough: Callable[[float], bool] = lambda _: True,
) -> tuple[float, str]:
    """How many times its quiet figure the 99th percentile of a key is while the feed refreshes, the median of several
    pairs; and a line about it. Both are measured in turn, in one console. While it is not `enough`, more pairs follow,
    up to `most` times as many."""
    pairs: list[tuple[float, float]] = []
    with child(False, fps) as running:
        while len(pairs) < rounds or (
            len(pairs) < most * rounds and not enough(median(loud / quiet for quiet, loud in pairs))
        ):
            quiet = p99_ms(running, presses)
            os.kill(running.pid, signal.SIGUSR1)
            pairs.append((quiet, p99_ms(running, presses)))
            os.kill(running.pid, signal.SIGUSR1)
            _pty.read_all([running], POLL + 0.5)  # one may be under way
    ratio = median(loud / quiet for quiet, loud in pairs)
    quiet, loud = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    return ratio, (
        f"keys at {fps} fps: p99 {loud:.1f} ms while {ALERTS} alerts refresh each second, {quiet:.1f} ms quiet: "
        f"{ratio:.2f}x (goal {GOALS[fps]:g}x, median of {len(pairs)})"
    )


def growth(refreshes: int = REFRESHES) -> tuple[float, float]:
    """Resident memory, MB: once the feed has been shown and refreshed for a while, and what so many more refreshes
    added to it."""
    with child(True, 120, poll=0.04) as running:
        _pty.read_all([running], 5.0)
        before = running.resident_mb
        shown = len(set(_NEW.findall(running.text())))
        deadline = time.perf_counter() + 90.0
        while len(set(_NEW.findall(running.text()))) - shown < refreshes and time.perf_counter() < deadline:
            _pty.read_all([running], 2.0)
        return before, running.resident_mb - before


_NEW = re.compile(r"T(\d{10,})")


def seen_ms(seconds: float = 8.0) -> tuple[float, float]:
    """From the moment that the source has an alert until it is painted, median and worst, ms; polled every `POLL`."""
    with child(True, 120) as running:
        found: dict[int, float] = {}
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            before = len(running.raw)
            if not running.read(0.5):
                continue
            now = time.monotonic_ns()
            for name in _NEW.findall(running.text(max(0, before - 64))):
                found.setdefault(int(name), (now - int(name)) / 1e6)
        if not found:
            raise RuntimeError(f"no new alert was seen: {running.text()[-1000:]}")
        times = list(found.values())[1:]
        return median(times), max(times)


# -- folding alone ----------------------------------------------------------------------------------------------------


def fold_ms(count: int, by: str) -> tuple[float, float]:
    """Fresh, and with one in a hundred changed: CPU milliseconds."""
    from console.model.board import AlertFeed
    from console.model.folding import Arrangement, Folder
    from console.model.reading import ReadingState
    from tests.tui import feeds

    alerts = feeds.many(count)
    gc.collect()
    gc.freeze()
    folder, wanted = Folder(), Arrangement(group_by=by)

    def fold() -> float:
        feed = AlertFeed(tuple(alerts), ReadingState.OK, feeds.NOW, "")
        begin = time.thread_time()
        folder.fold(feed, {}, wanted, feeds.NOW)
        return (time.thread_time() - begin) * 1e3

    fresh, again = fold(), []
    for _ in range(3):
        for place in random.sample(range(count), count // 100):
            alerts[place] = replace(alerts[place], annotations=(("summary", str(random.random())),))
        again.append(fold())
    return fresh, median(again)


def figures() -> tuple[bool, list[str]]:
    """Whether all goals are met, and the lines."""
    lines, good = [], True
    for count in (10_000, 50_000):
        for by, word in (("@group", "grouped"), ("", "flat")):
            fresh, again = fold_ms(count, by)
            lines.append(f"fold {count} {word}: fresh {fresh:.0f} ms, 1 % changed {again:.0f} ms of CPU")
    for fps, goal in GOALS.items():
        ratio, line = keys(fps)
        good = good and ratio <= goal
        lines.append(line)
    middle, worst = seen_ms()
    good = good and worst <= POLL * 1e3 + LATE_MS
    lines.append(
        f"in the source to painted: median {middle:.0f} ms, worst {worst:.0f} ms, polled every {POLL:g} s "
        f"(goal {POLL * 1e3 + LATE_MS:.0f} ms)"
    )
    before, more = growth()
    good = good and more <= GROWTH_MB
    lines.append(
        f"memory with {ALERTS} alerts: {before:.0f} MB, {more:+.1f} MB after {REFRESHES} refreshes "
        f"(goal {GROWTH_MB:g} MB)"
    )
    return good, lines


if __name__ == "__main__":
    if sys.argv[1:2] == ["app"]:
        gc.disable()  # as the console starts
        app(int(sys.argv[2]), sys.argv[3] == "1", float(sys.argv[4]))
    good, lines = figures()
    print("\n".join(lines))
    sys.exit(not good)
