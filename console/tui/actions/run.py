"""Actions on the steps of a run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.decide.runs import in_doubt
from console.model.links import usable
from console.model.playbook import Step, StepKind
from console.model.run import Run, StepRun
from console.tui import run_situation as when
from console.tui.actions.general import show_run
from console.tui.actions.submit import ask, carry_out
from console.tui.dialogs.form import Choice, Item, Question, Text
from console.tui.dialogs.pick import Entry, Picker
from console.tui.dialogs.text import Reader
from console.view.checks import advice, check_line
from console.view.line import Line, Tone, clip, labelled, line, span
from console.view.run_people import holders, objections, second_person
from console.view.run_plan import leads_to
from console.view.step_acts import act_lines, child_of, job_of
from console.view.step_card import whole

if TYPE_CHECKING:
    from console.model.board import Board
    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation

Handler = Callable[["ConsoleApp", "Situation"], None]


def _meant(at: Situation) -> tuple[Run, Step, StepRun]:
    run, found = at.the_run, at.the_step
    assert run is not None
    assert found is not None  # `enabled` looked.
    return run, *found


def _width(app: ConsoleApp) -> int:
    return max(20, min(app.size.width, 110) - 5)


def _facts(app: ConsoleApp, run: Run, step: Step, board: Board, *, checks: bool = True) -> list[Line]:
    _, now, look = app.seen
    width = _width(app)
    lines = labelled("do", step.challenge, width)[:4]
    lines += labelled("expect", step.response, width)[:3]
    for check in step.look_at if checks else ():
        lines += labelled("look at", check_line(check, board, now, look), width)
    if step.verify is not None and checks:
        lines += labelled("closes on", check_line(step.verify, board, now, look), width)
    if step.irreversible and checks:
        warning = span(f"IRREVERSIBLE on {run.target}: there is no way back.", Tone.CRITICAL)
        lines.append(clip(line(look.marks.of(Tone.CRITICAL), warning), width))
    return lines


def _alone(run: Run, step: Step, board: Board) -> tuple[list[Line], list[Text]]:
    """What stands against one person who does what needs two, or what is another role's, and the way to do it all the
    same. Never what is proposed."""
    missing = objections(run, step, board)
    if not missing:
        return [], []
    glass = Text("break_glass", "BREAK THE GLASS: why alone? It is announced", "", "only if you must")
    return [line(span(f"Not alone: {text}.", Tone.WARNING)) for text in missing], [glass]


def _typed(run: Run, step: Step, progress: StepRun) -> list[Text]:
    if not step.irreversible or progress.asked_by is not None:
        return []
    return [Text("typed", f"To confirm, type: {run.confirmation(step)}", word=True)]


# -- closing a step ---------------------------------------------------------------------------------------------------


def _complete(app: ConsoleApp, at: Situation) -> None:
    run, step, progress = _meant(at)
    approval = step.kind is StepKind.APPROVAL
    fields: list[Text | Choice] = []
    if step.kind is StepKind.DECISION:
        fields.append(_options(run, step, at.board))
    asked = "On what do you base it?" if approval else "What did you observe?"
    fields.append(Text("observed", asked, "", f"expected: {step.response}" if step.response else ""))
    fields += _typed(run, step, progress)
    against, glass = _alone(run, step, at.board)
    fields += glass
    if step.verify is not None:
        fields.append(Text("override", f"If {step.verify} cannot be shown: why close the step?"))
    elif step.kind is StepKind.PLAYBOOK:
        fields.append(Text("override", "If the run that it called is not over: why close the step?"))

    def build(answers: Mapping[str, str]) -> cmd.Command:
        return cmd.CompleteStep(
            run.id,
            step.id,
            answers["observed"],
            answers.get("option", ""),
            answers.get("typed", ""),
            answers.get("override", ""),
            answers.get("break_glass", ""),
            tuple(word for word in answers["observed"].split() if usable(word)),
        )

    word = "Approve" if approval else "Done"
    facts = _facts(app, run, step, at.board)
    if approval:
        role = step.role or step.owner
        facts.append(line(span("approves  ", Tone.DIM), f"{role}: {holders(role, run, at.board) or 'nobody has it'}"))
    question = Question(
        f"{run.label}: {step.title}",
        f"{word}, irreversibly, on {run.target}"
        if step.irreversible
        else f"Approve on {run.target}"
        if approval
        else word,
        build,
        (*facts, *against),
        tuple(fields),
        careful=step.irreversible or approval,
    )
    ask(app, question, f"{step.title}: {'approved' if approval else 'done'}")


def _options(run: Run, step: Step, board: Board) -> Choice:
    items, advised = [], ""
    for number, option in enumerate(step.options, start=1):
        tag, why = advice(option, board)
        advised = advised or (option.id if tag is not None else "")
        to = leads_to(option, run.playbook, step.id, board)
        row = line(span(f"{number} ", Tone.ACCENT), tag or "", option.label, span(f"  {to}", Tone.DIM))
        items.append(Item(option.id, row, option.label, why))
    return Choice("option", "Which way? What is advised is a reading's word, not a decision", tuple(items), advised)


def _with_reason(name: str, submit: str, make: Callable[[str, str, str], cmd.Command], label: str) -> Handler:
    def handler(app: ConsoleApp, at: Situation) -> None:
        run, step, _ = _meant(at)
        optional = name == "skip" and not step.skip_needs_reason
        question = Question(
            f"{run.label}: {name} {step.title}",
            submit,
            lambda answers: make(run.id, step.id, answers["reason"]),
            tuple(_facts(app, run, step, at.board, checks=False)),
            (Text("reason", f"{label} (may stay empty)" if optional else label),),
        )
        ask(app, question, f"{step.title}: {name}")

    return handler


def _retry(app: ConsoleApp, at: Situation) -> None:
    run, step, _ = _meant(at)
    carry_out(app, cmd.RetryStep(run.id, step.id), f"{step.title}: started again")


def _expire(app: ConsoleApp, at: Situation) -> None:
    run, step, _ = _meant(at)
    question = Question(
        f"{run.label}: end the wait of {step.title}",
        "End the wait",
        lambda answers: cmd.ExpireStep(run.id, step.id, answers["observed"], answers["reason"]),
        tuple(_facts(app, run, step, at.board)),
        (
            Text("observed", "What is left? How many?", "", "such as: 3 requests in flight"),
            Text("reason", "Why may it be left behind?"),
        ),
    )
    ask(app, question, f"{step.title}: wait ended")


# -- what the console carries out -------------------------------------------------------------------------------------

_ACTS: Mapping[StepKind, tuple[str, type[cmd.RunProgram] | type[cmd.SetFlag] | type[cmd.SendNotice], str]] = {
    StepKind.COMMAND: ("Run it", cmd.RunProgram, "started; its output is on the card"),
    StepKind.FLAG: ("Set it", cmd.SetFlag, "set; it closes once the effect is seen"),
    StepKind.NOTIFY: ("Send it", cmd.SendNotice, "queued; it closes when the far side has taken it"),
}


def _carry_out(app: ConsoleApp, at: Situation) -> None:
    run, step, progress = _meant(at)
    word, make, after = _ACTS[step.kind]
    board, width = at.board, _width(app)
    place = "PRODUCTION" if board.target.production else "not production"
    where = line(
        span(f"{'on':10}service ", Tone.DIM),
        span(board.target.service, Tone.STRONG),
        span(", environment ", Tone.DIM),
        span(board.target.environment, Tone.STRONG),
        span(f" ({place})", Tone.WARNING if board.target.production else Tone.DIM),
    )
    facts = [where, *act_lines(run, step, board, width), *_facts(app, run, step, board)]
    if step.undo:
        facts += labelled("undo", step.undo, width)[:2]
    against, glass = _alone(run, step, board)
    doubt = in_doubt(run, step)
    if doubt:
        against.append(line(span(f"Look first: {doubt}.", Tone.WARNING)))
        glass = glass or [Text("break_glass", "BREAK THE GLASS: why once more? It is announced", "", "what you saw")]
    question = Question(
        f"{run.label}: {step.title}?",
        f"{word} on {run.target}",
        lambda answers: make(run.id, step.id, answers.get("typed", ""), answers.get("break_glass", "")),
        (*facts, *against),
        (*_typed(run, step, progress), *glass),
        careful=True,
    )
    ask(app, question, f"{step.title}: {after}")


def _stop_program(app: ConsoleApp, at: Situation) -> None:
    """Asks once. Nothing has to be saved for it: what came of it is recorded when it has ended."""
    run, step, _ = _meant(at)
    job = job_of(run, step, at.board)
    facts = labelled("runs", shlex.join(job.argv), _width(app))[:3] if job is not None else []
    stops = "With everything it has started. What it did until then is not known: look, then c or f."
    entries = [
        Entry("on", line("Let it run"), "Let it run", "It ends by itself, at its limit at the latest."),
        Entry("stop", line(span(f"Stop it on {run.target}", Tone.WARNING)), "Stop it", stops),
    ]

    def picked(chosen: str | None) -> None:
        if chosen == "stop":
            ended = app.engine.stop_job(run.id, step.id)
            said = "its program is being stopped" if ended else "its program does not run here any more"
            app.say(f"{step.title}: {said}", bad=not ended)

    app.push_screen(Picker(f"{run.label}: stop the program of {step.title}?", entries, facts=facts), picked)


# -- who does it ------------------------------------------------------------------------------------------------------


def _take(app: ConsoleApp, at: Situation) -> None:
    run, step, progress = _meant(at)
    if not progress.held_elsewhere(at.board.console, at.board.at):
        carry_out(app, cmd.TakeStep(run.id, step.id), f"{step.title}: taken")
        return
    until = f" until {progress.held_until:%H:%M:%S}Z" if progress.held_until is not None else ""
    question = Question(
        f"{run.label}: take over {step.title}?",
        f"Take it from {progress.held_by}",
        lambda answers: cmd.TakeStep(run.id, step.id, answers["reason"]),
        (line(span(f"{progress.held_by} has it on {progress.holder}{until}. ", Tone.WARNING), "Have you asked them?"),),
        (Text("reason", "Why"),),
        careful=True,
    )
    ask(app, question, f"{step.title}: taken over")


def _read_back(app: ConsoleApp, at: Situation) -> None:
    run, step, progress = _meant(at)
    facts = _facts(app, run, step, at.board)
    facts += act_lines(run, step, at.board, _width(app))
    missing = second_person(run, step, progress, at.board)
    if progress.held_by is not None:
        facts.append(line(span("done by   ", Tone.DIM), span(str(progress.held_by), Tone.STRONG)))
    elif missing:
        facts.append(line(span("You read back; another person does it, on their own console.", Tone.DIM)))
    question = Question(
        f"{run.label}: read back {step.title}",
        "Read back",
        lambda answers: cmd.ConfirmStep(run.id, step.id, answers["read_back"]),
        tuple(facts),
        (Text("read_back", "On what is it done? Type service/environment, as you read it"),),
    )
    ask(app, question, f"{step.title}: read back")


# -- the run as a whole -----------------------------------------------------------------------------------------------


def _on_run(
    title: str, submit: str, make: Callable[[str, str], cmd.Command], what: str, fact: str, *, careful: bool
) -> Handler:
    """A handler that asks for a reason; `{}` stands for the run's label."""

    def handler(app: ConsoleApp, at: Situation) -> None:
        run = at.the_run
        assert run is not None
        question = Question(
            title.format(f"{run.label} {run.playbook.title} on {run.target}"),
            submit.format(run.label),
            lambda answers: make(run.id, answers["reason"]),
            (line(fact),),
            (Text("reason", "Why"),),
            careful=careful,
        )
        ask(app, question, what.format(run.label))

    return handler


def _related(app: ConsoleApp, at: Situation) -> None:
    run, found = at.the_run, at.the_step
    assert run is not None
    child = child_of(run, found[0], at.board) if found is not None else None
    show_run(app, child.id if child is not None else run.parent)


def _details(app: ConsoleApp, at: Situation) -> None:
    run, step, _ = _meant(at)
    board, now, look = app.seen
    app.push_screen(Reader(f"{run.label}: {step.title}", lambda width: whole(run, step, board, now, width, look)))


def _next(app: ConsoleApp, at: Situation) -> None:
    HANDLERS[when.next_act(at)](app, at)


HANDLERS: Mapping[str, Handler] = {
    "next": _next,
    "complete": _complete,
    "approve": _complete,
    "carry-out": _carry_out,
    "stop-program": _stop_program,
    "fail": _with_reason("failed", "It failed", cmd.FailStep, "What went wrong?"),
    "skip": _with_reason("skip", "Skip it", cmd.SkipStep, "Why is it skipped?"),
    "retry": _retry,
    "expire": _expire,
    "take-step": _take,
    "read-back": _read_back,
    "hold": _on_run(
        "Hold {}?",
        "Hold {}",
        cmd.HoldRun,
        "{} is on hold",
        "Nothing is done and no clock runs until it is resumed.",
        careful=False,
    ),
    "resume": _on_run(
        "Resume {}",
        "Resume {}",
        cmd.ResumeRun,
        "{} goes on",
        "What was on hold gets back the time that was left; what was aborted starts anew where it ended.",
        careful=False,
    ),
    "abort": _on_run(
        "Abort {}?",
        "Abort {}",
        cmd.AbortRun,
        "{} aborted",
        "The run ends where it stands. What was done stays done; what can be undone is listed then.",
        careful=True,
    ),
    "step-details": _details,
    "related-run": _related,
}
