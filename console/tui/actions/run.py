"""Actions on the steps of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.playbook import Step, StepKind
from console.model.run import Run
from console.tui.actions.submit import ask, carry_out
from console.tui.dialogs.form import Choice, Item, Question, Text
from console.view.line import Line, Tone, clip, labelled, line, span
from console.view.runs import advice, check_line

if TYPE_CHECKING:
    from console.model.board import Board
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation


def _meant(at: Situation) -> tuple[Run, Step]:
    run, found = at.the_run, at.the_step
    assert run is not None
    assert found is not None  # `enabled` looked.
    return run, found[0]


def _facts(app: ConsoleApp, run: Run, step: Step, board: Board, *, checks: bool = True) -> tuple[Line, ...]:
    _, now, look = app.seen
    width = max(20, min(app.size.width, 110) - 4)
    lines = labelled("do", step.challenge, width)[:4]
    lines += labelled("expect", step.response, width)[:3]
    for check in step.look_at if checks else ():
        lines += labelled("look at", check_line(check, board, now, look), width)
    if step.verify is not None and checks:
        lines += labelled("closes on", check_line(step.verify, board, now, look), width)
    if step.irreversible and checks:
        warning = span(f"IRREVERSIBLE on {run.target}: there is no way back.", Tone.CRITICAL)
        lines.append(clip(line(look.marks.of(Tone.CRITICAL), warning), width))
    return tuple(lines)


def _complete(app: ConsoleApp, at: Situation) -> None:
    run, step = _meant(at)
    fields: list[Text | Choice] = []
    if step.kind is StepKind.DECISION:
        fields.append(_options(step, at.board))
    fields.append(Text("observed", "What did you observe?", "", step.response))
    if step.irreversible:
        fields.append(Text("typed", f"To confirm, type: {run.confirmation(step)}"))
    if step.verify is not None:
        fields.append(Text("override", f"If {step.verify} cannot be shown: why close the step?"))

    def build(answers: Mapping[str, str]) -> cmd.Command:
        return cmd.CompleteStep(
            run.id,
            step.id,
            answers["observed"],
            answers.get("option", ""),
            answers.get("typed", ""),
            answers.get("override", ""),
        )

    submit = f"Done, irreversibly, on {run.target}" if step.irreversible else "Done"
    question = Question(
        f"{run.label}: {step.title}",
        submit,
        build,
        _facts(app, run, step, at.board),
        tuple(fields),
        careful=step.irreversible,
    )
    ask(app, question, f"{step.title}: done")


def _options(step: Step, board: Board) -> Choice:
    items, advised = [], ""
    for number, option in enumerate(step.options, start=1):
        tag, why = advice(option, board)
        advised = advised or (option.id if tag is not None else "")
        row = line(span(f"{number} ", Tone.ACCENT), tag or "", option.label)
        items.append(Item(option.id, row, option.label, why))
    return Choice("option", "Which way? What is advised is a reading's word, not a decision", tuple(items), advised)


def _with_reason(
    name: str, submit: str, make: Callable[[str, str, str], cmd.Command], label: str
) -> Callable[[ConsoleApp, Situation], None]:
    def handler(app: ConsoleApp, at: Situation) -> None:
        run, step = _meant(at)
        question = Question(
            f"{run.label}: {name} {step.title}",
            submit,
            lambda answers: make(run.id, step.id, answers["reason"]),
            _facts(app, run, step, at.board, checks=False),
            (Text("reason", label),),
        )
        ask(app, question, f"{step.title}: {name}")

    return handler


def _retry(app: ConsoleApp, at: Situation) -> None:
    run, step = _meant(at)
    carry_out(app, cmd.RetryStep(run.id, step.id), f"{step.title}: started again")


def _expire(app: ConsoleApp, at: Situation) -> None:
    run, step = _meant(at)
    question = Question(
        f"{run.label}: end the wait of {step.title}",
        "End the wait",
        lambda answers: cmd.ExpireStep(run.id, step.id, answers["observed"], answers["reason"]),
        _facts(app, run, step, at.board),
        (
            Text("observed", "What is left? How many?", "", "3 requests in flight"),
            Text("reason", "Why may it be left behind?"),
        ),
    )
    ask(app, question, f"{step.title}: wait ended")


def _flag(app: ConsoleApp, at: Situation) -> None:
    run, step = _meant(at)
    act = f"{step.flag} to {step.percent:g} %"
    facts = (
        line(span("flag      ", Tone.DIM), span(act, Tone.STRONG)),
        line(span("with      ", Tone.DIM), at.board.flags),
        line(span("target    ", Tone.DIM), span(run.target, Tone.STRONG)),
        *_facts(app, run, step, at.board),
    )
    question = Question(
        f"Set {act}?", f"Set it on {run.target}", lambda _: cmd.SetFlag(run.id, step.id), facts, careful=True
    )
    ask(app, question, f"{act} set; c completes the step once the effect is seen")


def _abort(app: ConsoleApp, at: Situation) -> None:
    run = at.the_run
    assert run is not None
    question = Question(
        f"Abort {run.label} {run.playbook.title} on {run.target}?",
        f"Abort {run.label}",
        lambda answers: cmd.AbortRun(run.id, answers["reason"]),
        (line("The run ends where it stands. What was done stays done."),),
        (Text("reason", "Why"),),
        careful=True,
    )
    ask(app, question, f"{run.label} aborted")


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "complete": _complete,
    "flag": _flag,
    "fail": _with_reason("failed", "It failed", cmd.FailStep, "What went wrong?"),
    "skip": _with_reason("skip", "Skip it", cmd.SkipStep, "Why is it skipped?"),
    "retry": _retry,
    "expire": _expire,
    "abort": _abort,
}
