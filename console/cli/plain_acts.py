"""What one person does with a step: answers, and the commands that begin with a slash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from console.cli.plain_card import HELP, Prompt, acts, goes_on_here, hindrance, option_of
from console.cli.plain_talk import Left, Talk
from console.cli.record import CONFIRMATION
from console.cli.run_common import acting_words, drift

if TYPE_CHECKING:
    from console.model.commands import Command

COMMANDS = frozenset(
    "run skip fail retry expire override glass take hold resume abort quit help".split()  # noqa: SIM905
)
_ANSWERS = frozenset({"y", "yes", "n", "no"})


class Acts:
    """Carries out what is said to a step."""

    def __init__(self, talk: Talk) -> None:
        self._talk, self._console = talk, talk.console

    async def answered(self, prompt: Prompt, text: str) -> None:
        """What was said at the prompt of a step."""
        from console.model import commands as cmd
        from console.model.playbook import OBSERVED, StepKind
        from console.model.run import StepStatus

        step, run = prompt.step, prompt.run
        if text in ("?", "/help"):
            self._talk.help(HELP)
        elif text.startswith("/"):
            await self.slash(prompt, text)
        elif not text or prompt.progress.status is StepStatus.FAILED or step.kind in OBSERVED:
            if text:
                self._talk.say("this is no answer here; ? lists what is")
            self._console.refresh()
        elif step.kind is StepKind.DECISION:
            option = option_of(step, text)
            if option is None:
                self._talk.say(f"{text} is none of {', '.join(item.id for item in step.options)}")
                return
            observed = await self._talk.ask("observed:")
            if observed.startswith("/"):
                self._talk.say("nothing was chosen")
                await self.slash(prompt, observed)
                return
            await self._talk.submit(cmd.CompleteStep(run.id, step.id, observed or "chosen", option))
        elif step.kind is StepKind.APPROVAL:
            if text.lower() in ("y", "yes"):
                await self._talk.submit(cmd.CompleteStep(run.id, step.id, "approved"))
            else:
                self._talk.say("not approved; /fail WHY says no for good")
        elif await self._meant(prompt, text):
            typed = await self._typed(prompt)
            if typed is not None:
                await self._talk.submit(cmd.CompleteStep(run.id, step.id, text, typed=typed))

    async def _meant(self, prompt: Prompt, text: str) -> bool:
        """Whether a text is what somebody observed, and no command that lacks its slash or answer to another prompt."""
        word = text.lower()
        if word in COMMANDS:
            self._talk.say(f"{text!r} is no observation; /{word} is the command")
            return False
        if text == CONFIRMATION or (acts(prompt.step) and word in _ANSWERS):
            self._talk.say(f"{text!r} is no observation, and nothing was asked that it answers")
            return False
        if not acts(prompt.step):
            return True
        done = prompt.progress.asked_by is not None
        how = "without waiting for its reading" if done else "without running it from here"
        if await self._talk.sure(f"close {prompt.step.title} by hand, {how}?"):
            return True
        self._talk.say("nothing was done")
        return False

    async def _typed(self, prompt: Prompt) -> str | None:
        """What an irreversible step wants typed; None when it was not."""
        if not prompt.step.irreversible or prompt.progress.asked_by is not None:
            return ""
        wanted = prompt.run.confirmation(prompt.step)
        typed = await self._talk.ask(f"IRREVERSIBLE, there is no way back. Type {wanted} to go on:")
        if typed != wanted:
            self._talk.say("nothing was done")
            return None
        return typed

    # -- what begins with / -------------------------------------------------------------------------------------------

    async def slash(self, prompt: Prompt, text: str) -> None:
        """What begins with a slash."""
        from console.model import commands as cmd

        run, step = prompt.run, prompt.step
        name, _, said = text[1:].partition(" ")
        said = said.strip()
        made: dict[str, Callable[[], Command]] = {
            "skip": lambda: cmd.SkipStep(run.id, step.id, said),
            "fail": lambda: cmd.FailStep(run.id, step.id, said),
            "retry": lambda: cmd.RetryStep(run.id, step.id),
            "expire": lambda: cmd.ExpireStep(run.id, step.id, said, said),
            "take": lambda: cmd.TakeStep(run.id, step.id, said),
            "hold": lambda: cmd.HoldRun(run.id, said),
            "resume": lambda: cmd.ResumeRun(run.id, said),
            "abort": lambda: cmd.AbortRun(run.id, said),
        }
        if name == "quit":
            raise Left
        if name in ("help", "?"):
            self._talk.help(HELP)
        elif name == "run":
            await self._carry_out(prompt)
        elif name == "override":
            await self._override(prompt, said)
        elif name == "glass":
            await self._glass(prompt, said)
        elif name in made:
            await self._talk.submit(made[name]())
        else:
            self._talk.say(f"/{name} is not known; ? lists what is")

    async def _carry_out(self, prompt: Prompt, glass: str = "") -> None:
        from console.model import commands as cmd

        run, step = prompt.run, prompt.step
        if not acts(step):
            self._talk.say("there is nothing to carry out; say what you observe")
            return
        if prompt.progress.asked_by is not None and goes_on_here(run, step, self._console.board, self._console.state):
            self._talk.say("it is being carried out")
            return
        kind = cmd.RunProgram if step.program else cmd.SendNotice if step.notice else cmd.SetFlag
        if reason := hindrance(prompt, self._console, glass):
            self._talk.say(f"not from here: {reason}")
            return
        changed = drift(run, self._console.settings)
        if changed:
            self._talk.say(f"note: {changed}")
        if not await self._talk.sure(f"{'; '.join(acting_words(run, step, self._console.state))}. Do it?"):
            self._talk.say("nothing was done")
            return
        typed = await self._typed(prompt)
        if typed is not None:
            await self._talk.submit(kind(run.id, step.id, typed, glass))

    async def _override(self, prompt: Prompt, why: str) -> None:
        """Closes a step although its reading does not show the effect."""
        from console.model import commands as cmd
        from console.model.playbook import StepKind

        step, refused = prompt.step, self._refused_of(prompt)
        if not why:
            self._talk.say("/override WHY: say what you have seen instead")
        elif isinstance(refused, cmd.CompleteStep):
            await self._talk.submit(replace(refused, override=why))
        elif step.verify is not None or step.kind is StepKind.PLAYBOOK:
            typed = await self._typed(prompt)
            if typed is not None:
                await self._talk.submit(cmd.CompleteStep(prompt.run.id, step.id, why, typed=typed, override=why))
        else:
            self._talk.say("no reading closes this step: say what you observe")

    async def _glass(self, prompt: Prompt, why: str) -> None:
        """Does alone what was refused for the want of somebody else."""
        refused = self._refused_of(prompt)
        if not why:
            self._talk.say("/glass WHY: say why you do it alone")
        elif refused is not None and hasattr(refused, "break_glass"):
            changes: dict[str, Any] = {"break_glass": why}
            await self._talk.submit(replace(refused, **changes))
        elif acts(prompt.step) and prompt.progress.asked_by is None:
            await self._carry_out(prompt, why)
        else:
            self._talk.say("nothing of this step was refused for that; say it first, then /glass WHY")

    def _refused_of(self, prompt: Prompt) -> Command | None:
        command = self._talk.refused
        mine = (getattr(command, "run", ""), getattr(command, "step", "")) == (prompt.run.id, prompt.step.id)
        return command if mine else None
