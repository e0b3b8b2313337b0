"""Actions on the decision about the next phase: record it, attest, approve. Each binds the findings that were on the
screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from console.model import commands as cmd
from console.model.certificate import offered, wanted
from console.model.decision import Answer, Status
from console.model.events.decision import Condition
from console.tui.actions.general import show
from console.tui.actions.rollout import meant, standing, width_of
from console.tui.actions.submit import ask, unlisted
from console.tui.dialogs.form import Choice, Item, Question, Text, Unfit
from console.tui.rollout_situation import criterion
from console.view import decision as words
from console.view.line import Tone, line, span
from console.view.rollout_words import ANSWERS
from console.view.times import ahead

if TYPE_CHECKING:
    from datetime import datetime

    from console.tui.app import ConsoleApp
    from console.tui.situation import Situation


def _decision(app: ConsoleApp, _: Situation) -> None:
    from console.tui.screens.decision import DecisionScreen

    show(app, DecisionScreen())


def _certify(app: ConsoleApp, at: Situation) -> None:
    found, board = meant(at), at.board
    proposal = found.proposal
    assert proposal is not None
    _, now, look = app.seen
    word, tone = ANSWERS[proposal.answer]
    facts = [line(look.marks.of(tone), span(f"{words.step(proposal)}: ", Tone.STRONG), span(word, tone))]
    facts += [words.row(item, now, width_of(app), look) for item in proposal.holding[:6]]
    rest = {Status.GO: "The phase may come.", Status.CONDITIONAL: "It may, on a condition with an owner and a date."}
    rest[Status.NO_GO] = "It may not, for now."
    chosen = offered(proposal)
    items = tuple(Item(item, line(span(item, words.STATUSES[item])), item, rest[item]) for item in Status)
    against = [
        Text("override", "If not as the rule says: why?"),
        Text("second", "Who agrees: a second person, who approved the override"),
        Text("break_glass", "BREAK THE GLASS: why without a second person? It is announced", "", "only if you must"),
    ]

    def build(answers: Mapping[str, str]) -> cmd.Command:
        return wanted(
            board,
            proposal,
            Status(answers["status"]),
            conditions=_conditions(answers, now),
            override=answers.get("override", ""),
            second=answers.get("second", ""),
            break_glass=answers.get("break_glass", ""),
            dissent=answers["dissent"],
        )

    question = Question(
        f"Record a decision: {words.step(proposal)}",
        f"Record it for {board.target}",
        build,
        tuple(facts),
        (
            Choice("status", "Decision", items, chosen),
            Text("condition", "Condition, if there is one: what must still happen"),
            Text("owner", "Who owes it", board.actor.name),
            Text("due", "Until when", "", "2d, 4h, 14:32 (UTC)"),
            *(against if proposal.answer is not Answer.GO else against[:1]),
            Text("dissent", "Who disagrees, and why"),
        ),
        careful=True,
        returns=True,
        preview=lambda answers, _: unlisted(board, answers.get("second", "")),
    )
    ask(app, question, "The decision is recorded")


def _conditions(answers: Mapping[str, str], now: datetime) -> tuple[Condition, ...]:
    text = answers["condition"].strip()
    if not text:
        return ()
    try:
        due = ahead(answers["due"], now)
    except ValueError as error:
        raise Unfit("due", str(error)) from None
    if due is None:
        raise Unfit("due", "a condition needs a date: 2d, 4h or 14:32 (UTC)")
    return (Condition(text, answers["owner"].strip(), due),)


def _attest(app: ConsoleApp, at: Situation) -> None:
    found, to = meant(at), _to(at)
    rules = [rule for rule in found.plan.criteria if rule.kind == "checklist"]
    items = tuple(Item(rule.name, line(rule.title), rule.title, f"role: {rule.role or 'anybody'}") for rule in rules)
    holds = (
        Item("yes", line("It holds"), "holds", "A link to the evidence is needed."),
        Item("no", line("It does not hold"), "does not", "Say why: the next phase must not come."),
    )
    question = Question(
        "Attest a criterion",
        f"Attest it for {at.board.target}",
        lambda answers: cmd.Attest(
            answers["criterion"], answers["link"], answers["note"], to, answers["holds"] == "yes"
        ),
        tuple(standing(app, at)),
        (
            Choice("criterion", "Criterion", items, _chosen(at, items)),
            Choice("holds", f"For {to:g} %", holds, "yes"),
            Text("link", "Link to the evidence", "", "https://..."),
            Text("note", "Note"),
        ),
    )
    ask(app, question, "Attested")


def _approve(app: ConsoleApp, at: Situation) -> None:
    found, to = meant(at), _to(at)
    rules = [rule for rule in found.plan.criteria if rule.kind == "approval"]
    items = [Item(rule.name, line(rule.title), rule.title, f"in the role {rule.role}") for rule in rules]
    items.append(
        Item(
            "override", line("A decision against the findings"), "override", "As the second person: say why you agree."
        )
    )
    answers_ = (
        Item("yes", line(f"I approve {to:g} %"), "approve", "You have looked at the evidence yourself."),
        Item("no", line("I withdraw it, or do not approve"), "withdraw", "Decisions that rest on it count no more."),
    )
    author = found.record.begun_by
    facts = [*standing(app, at), line(span("begun by  ", Tone.DIM), f"{author or 'unknown'}: another person approves")]
    question = Question(
        f"Approve {to:g} %",
        f"Say so on {at.board.target}",
        lambda answers: cmd.Approve(answers["criterion"], to, answers["approved"] == "yes", answers["note"]),
        tuple(facts),
        (
            Choice("criterion", "Criterion", tuple(items), _chosen(at, items)),
            Choice("approved", "Answer", answers_, "yes"),
            Text("note", "On what do you base it?"),
        ),
        careful=True,
        returns=True,
    )
    ask(app, question, "Said")


def _chosen(at: Situation, items: Sequence[Item]) -> str:
    """The criterion under the cursor where it is one of these, else the first."""
    under = criterion(at)
    name = under[0].name if under is not None else ""
    return name if any(item.id == name for item in items) else items[0].id


def _to(at: Situation) -> float:
    """The phase that the decision is about."""
    found = meant(at)
    if found.proposal is not None:
        return found.proposal.to_percent
    return found.next_percent if found.next_percent is not None else max(found.plan.phases)


HANDLERS: Mapping[str, Callable[[ConsoleApp, Situation], None]] = {
    "go-no-go": _decision,
    "certify": _certify,
    "attest": _attest,
    "rollout-approve": _approve,
}
