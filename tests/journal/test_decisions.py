"""Decisions and what people say come back from a snapshot as they were."""

from __future__ import annotations

from dataclasses import replace

from console.journal.snapshots import store
from console.model.commands import Approve, Attest
from console.ports import Head
from tests.model.life import BOB
from tests.model.test_decisions import LINK, Rollout, soon


def test_a_state_with_decisions_survives_its_snapshot():
    life = Rollout()
    life.do(Attest("docs", LINK, "told them", 5.0), BOB)
    life.do(Approve("lead", 5.0, note="fine"), BOB)
    life.pass_time(1)
    life.do(life.decision("CONDITIONAL", conditions=(soon(life),), dissent="carol would wait"))
    life.do(life.decision("NO-GO", override="not today"))
    life.do(replace(life.decision(findings=life.found(alerts="fail")), override="why", break_glass="alone"))

    state = store(life.state, Head(len(life.events), "f" * 64)).state()

    assert state is not None
    assert state.decisions == life.state.decisions
    assert len(state.decisions) == 3
    assert state.rollouts == life.state.rollouts
    assert [item.label for item in state.decisions.values()] == [item.label for item in life.state.decisions.values()]
