"""A rollout, and all that is folded with it, is what it was, whenever the process is killed."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from console.journal.snapshots import store
from console.journal.sqlite import SqliteJournal
from console.model.state import State, apply
from console.ports import Head
from tests.journal.rollouts import digest
from tests.journal.test_durability import KILLS, ROOT, SEED
from tests.journal.tools import SetClock
from tests.model.rollouts import Rollouts, anything


@pytest.mark.timeout(300)
def test_a_rollout_is_the_same_after_200_kills(tmp_path):
    path, draw = tmp_path / "journal.db", random.Random(SEED)
    foreseen: dict[int, str] = {}
    acknowledged: dict[int, str] = {}
    opened = 0
    command = [sys.executable, "-m", "tests.journal.rollouts", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:

        def heard() -> str:
            """Checks one line; its first word."""
            nonlocal opened
            word, *rest = process.stdout.readline().split()
            if word == "will":
                foreseen[int(rest[0])] = rest[1]
            elif word == "open":
                seq = int(rest[0])
                assert seq >= max(acknowledged, default=0), "the record became shorter"
                assert foreseen.get(seq, rest[1]) == rest[1], f"after the kill at {seq}"
                opened += seq in foreseen
            elif word.isdecimal():
                acknowledged[int(word)] = rest[0]
                assert foreseen[int(word)] == rest[0]
            return word

        try:
            for number in range(KILLS):
                after, spin = draw.randrange(8), draw.random() * 0.004
                process.stdin.write(f"{draw.randrange(2**32)}\n")
                process.stdin.flush()
                word, victim = process.stdout.readline().split()
                assert word == "pid"
                count = 0
                while count < after:
                    said = heard()
                    assert said != "dead", "it ended by itself"
                    count += said.isdecimal()
                until = time.perf_counter() + spin
                while time.perf_counter() < until:
                    pass
                os.kill(int(victim), signal.SIGKILL)
                while heard() != "dead":
                    pass
                print(f"kill {number}: after {after} acknowledgements and {spin * 1e6:.0f} µs")
        finally:
            process.stdin.close()
    state, journal = State(), SqliteJournal(path, SetClock(), console="here", read_only=True)
    kinds = set()
    try:
        while events := journal.read(state.seq, 1000):
            for recorded in events:
                apply(state, recorded)
                kinds.add(recorded.kind)
                if recorded.seq in acknowledged:
                    assert digest(state) == acknowledged[recorded.seq], recorded
    finally:
        journal._close_reader()
    print(f"{opened} of {KILLS} opened on what was foreseen; {len(acknowledged)} acknowledged, {len(kinds)} kinds")
    assert opened > KILLS / 2
    assert len([kind for kind in kinds if kind.startswith("rollout.")]) >= 15


@pytest.mark.parametrize("seed", range(5))
def test_a_snapshot_holds_all_of_a_rollout(seed):
    life, draw = Rollouts(), random.Random(f"{SEED} {seed}")
    for _ in range(300):
        anything(life, draw)
    kept = store(life.state, Head(life.state.seq, "hash")).state()
    assert kept is not None
    assert kept == life.state
