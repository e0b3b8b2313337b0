"""Actions on the rollout: its screens, the share, holds, the way back. Each binds the share that was on the screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.progress import Progress
from console.tui.actions.general import show, show_run
from console.tui.actions.submit import ask
from console.tui.dialogs.form import Choice, Item, Question, Text, Unfit, offered
from console.view import decision as words
from console.view import promotion, rollback
from console.view.line import Line, Tone, line, span
from console.view.rollout_words import percent, reason, urgent

if TYPE_CHECKING:
    from console.engine.outcome import Done
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation

Handler = Callable[["ConsoleApp", "Situation"], None]
GLASS = "BREAK THE GLASS: why without a decision? It is announced"


def meant(at: Situation) -> Progress:
    """The rollout that was on the screen."""
    assert at.board.progress is not None  # `enabled` looked.
    return at.board.progress


def width_of(app: ConsoleApp) -> int:
    """Cells for a line in a dialog."""
    return max(20, min(app.size.width, 110) - 5)


def standing(app: ConsoleApp, at: Situation) -> list[Line]:
    """What must be known before anything is set."""
    _, now, look = app.seen
    told = urgent(at.board, now)
    found = meant(at)
    shares = f"set {percent(found.record.percent)}, flag {_read(found.flag.value)}, measured {_read(found.share.value)}"
    return [*([told.line(look)] if told is not None else []), line(span("now       ", Tone.DIM), shares)]


def _read(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} %"


# -- screens ----------------------------------------------------------------------------------------------------------


def _rollout(app: ConsoleApp, _: Situation) -> None:
    from console.tui.screens.rollout import RolloutScreen

    show(app, RolloutScreen())


def _rollback(app: ConsoleApp, _: Situation) -> None:
    from console.tui.screens.rollout import RollbackScreen

    show(app, RollbackScreen())


# -- the way back -----------------------------------------------------------------------------------------------------


def _roll_back(app: ConsoleApp, at: Situation) -> None:
    found = meant(at)
    _, now, look = app.seen
    width = width_of(app)
    open_now = at.board.open_incidents
    where = f"in {open_now[0].label}" if open_now else "an incident is declared for it"
    plan = found.plan.rollback
    book = plan.playbook if plan is not None else "none is named in rollout.yaml"
    facts = [
        line(span("playbook  ", Tone.DIM), f"{book}, {where}"),
        rollback.verdict(at.board.readiness, now, width, look),
        rollback.time_line(at.board.readiness.estimate, now, width, look),
        rollback.until(at.board.readiness, now, width, look),
    ]
    question = Question(
        f"ROLL BACK {found.plan.name}",
        f"ROLL BACK {at.board.target} now",
        lambda answers: cmd.StartRollback(answers["reason"], open_now[0].id if open_now else ""),
        tuple(facts),
        (offered("reason", "Why", reason(found)[:200], "what you see"),),
        careful=True,
        returns=True,
    )

    def begun(outcome: Done) -> None:
        record = app.board.progress.record if app.board is not None and app.board.progress is not None else None
        if record is not None and record.run and app.board is not None and app.board.run(record.run) is not None:
            show_run(app, record.run)

    ask(app, question, "The rollback has begun", begun)


def _halt(app: ConsoleApp, at: Situation) -> None:
    record = meant(at).record
    assert record.countdown is not None
    question = Question(
        "Stop the automatic rollback",
        f"Stop it on {at.board.target}",
        lambda answers: cmd.CancelCountdown(answers["reason"]),
        (line(span("because   ", Tone.DIM), record.countdown.why), line(span("R rolls back at any time.", Tone.DIM))),
        (offered("reason", "Why", "a person decides"),),
    )
    ask(app, question, "The automatic rollback is stopped")


# -- the share --------------------------------------------------------------------------------------------------------


def _promote(app: ConsoleApp, at: Situation) -> None:
    found = meant(at)
    _, now, look = app.seen
    here = found.record.percent or 0.0
    following = found.next_percent
    why, resting = words.refusal(found, now), words.present(found)
    basis = resting.id if resting is not None and not why else ""
    facts = [*standing(app, at), *promotion.doubts(at.board, now, width_of(app), look)]
    if resting is not None and not why:
        facts.append(
            line(
                span("rests on  ", Tone.DIM),
                span(f"{resting.label} {resting.status}", Tone.STRONG),
                f" by {resting.by}",
            )
        )
    else:
        facts.append(line(span(f"Not on a decision: {why}. V decides.", Tone.WARNING)))
    glass = () if basis else (Text("break_glass", GLASS, "", "only if you must"),)

    def build(answers: Mapping[str, str]) -> cmd.Command:
        broken = answers.get("break_glass", "")
        if following is None:
            return cmd.FinishRollout(basis, broken)
        return cmd.SetShare(following, here, True, broken, basis, broken)

    what = f"finish at {here:g} %" if following is None else f"{here:g} to {following:g} %"
    question = Question(
        f"Promote {found.plan.name}: {what}",
        f"{'Finish' if following is None else f'Set {following:g} %'} on {at.board.target}",
        build,
        tuple(facts),
        glass,
        careful=True,
        returns=True,
    )
    ask(app, question, "The rollout is finished" if following is None else f"{following:g} % is being set")


def _share(app: ConsoleApp, at: Situation) -> None:
    found = meant(at)
    known = found.record.percent if found.record.percent is not None else found.flag.value
    expected = known if known is not None else 0.0

    def build(answers: Mapping[str, str]) -> cmd.Command:
        try:
            wanted = float(answers["percent"].strip().rstrip("%").strip())
        except ValueError:
            raise Unfit("percent", f"{answers['percent'][:20]!r} is no percentage; expected 0 to 100") from None
        return cmd.SetShare(wanted, expected, False, answers["reason"], "", answers["break_glass"])

    _, now, look = app.seen

    def raised(answers: Mapping[str, str], width: int) -> list[Line]:
        """What is known against a higher share; nothing stands against a lower one."""
        try:
            higher = float(answers["percent"].strip().rstrip("%").strip()) > expected
        except ValueError:
            return []
        return promotion.doubts(at.board, now, width, look) if higher else []

    facts = [
        *standing(app, at),
        line(span("Lowering rests on nothing; raising it rests on a decision, or on a broken glass.", Tone.DIM)),
    ]
    question = Question(
        f"Set the share of {found.plan.flag or found.plan.name}",
        f"Set it on {at.board.target}",
        build,
        tuple(facts),
        (
            Text("percent", f"Percent of the traffic on {found.plan.new_path}", "", f"now {percent(known)}"),
            Text("reason", "Why"),
            Text("break_glass", GLASS, "", "only to raise it without one"),
        ),
        careful=True,
        returns=True,
        preview=raised,
    )
    ask(app, question, "The share is being set")


def _settle(app: ConsoleApp, at: Situation) -> None:
    found = meant(at)
    write = found.record.open_write
    assert write is not None
    seen = found.flag.value

    def observed(answers: Mapping[str, str]) -> float | None:
        text = answers["observed"].strip().rstrip("%").strip()
        try:
            return float(text) if text else None
        except ValueError:
            raise Unfit("observed", f"{text[:20]!r} is no percentage; expected 0 to 100, or nothing") from None

    def build(answers: Mapping[str, str]) -> cmd.Command:
        return cmd.SettleWrite(write.effect, answers["done"] == "done", observed(answers), answers["answer"])

    def otherwise(answers: Mapping[str, str], _: int) -> list[Line]:
        """That somebody has seen something else than the flag gives: a slip of the fingers, or a change since then."""
        told = observed(answers)
        if told is None or seen is None or told == seen:
            return []
        return [line(span(f"You have seen {told:g} %, and the flag reads {_read(seen)} now.", Tone.WARNING))]

    items = (
        Item("done", line("It was set"), "set", "The flag gives what was asked for, as somebody has seen."),
        Item("refused", line("It was not set"), "not set", "The flag gives something else."),
    )
    facts = (
        line(span("asked     ", Tone.DIM), f"{write.flag} to {write.percent:g} %, it was {write.before:g} %"),
        line(span("answer    ", Tone.DIM), span(write.answer or "none", Tone.UNKNOWN)),
        line(span("reads now ", Tone.DIM), _read(seen)),
    )
    question = Question(
        "What became of the write?",
        f"Settle it on {at.board.target}",
        build,
        facts,
        (
            Choice("done", "Outcome", items, "done" if seen == write.percent else "refused"),
            offered("observed", "Percent that was seen", "" if seen is None else f"{seen:g}"),
            Text("answer", "How you know", "", "read in the provider's own screen"),
        ),
        careful=True,
        returns=True,
        preview=otherwise,
    )
    ask(app, question, "The write is settled")


# -- held, given up, begun --------------------------------------------------------------------------------------------


def _with_reason(
    title: str, button: str, make: Callable[[str], cmd.Command], done: str, *, careful: bool = False
) -> Handler:
    def handler(app: ConsoleApp, at: Situation) -> None:
        found = meant(at)
        question = Question(
            f"{title} {found.plan.name}",
            f"{button} on {at.board.target}",
            lambda answers: make(answers["reason"]),
            tuple(standing(app, at)),
            (Text("reason", "Why"),),
            careful=careful,
            returns=careful,
        )
        ask(app, question, done)

    return handler


def _begin(app: ConsoleApp, at: Situation) -> None:
    found = meant(at)
    phases = ", ".join(f"{stop:g}" for stop in found.plan.phases)
    before = found.plan.before or "no playbook is named: before in rollout.yaml"
    facts = [
        *standing(app, at),
        line(span("phases    ", Tone.DIM), f"{phases} %"),
        line(span("before it ", Tone.DIM), f"the checks of {before}"),
    ]
    question = Question(
        f"Begin {found.plan.name}",
        f"Begin it on {at.board.target}",
        lambda answers: cmd.BeginRollout(answers["revision"]),
        tuple(facts),
        (offered("revision", "Revision that is rolled out", found.record.revision, "2.14.0"),),
        careful=True,
        returns=True,
    )
    ask(app, question, "The rollout has begun")


HANDLERS: Mapping[str, Handler] = {
    "rollout": _rollout,
    "rollback": _rollback,
    "roll-back": _roll_back,
    "halt": _halt,
    "promote": _promote,
    "share": _share,
    "rollout-settle": _settle,
    "rollout-begin": _begin,
    "rollout-hold": _with_reason("Hold", "Hold it", cmd.HoldRollout, "The rollout is held"),
    "rollout-release": _with_reason("Release", "Release it", cmd.ReleaseRollout, "The rollout goes on", careful=True),
    "rollout-abort": _with_reason("Give up", "Give it up", cmd.AbortRollout, "The rollout is given up", careful=True),
}
