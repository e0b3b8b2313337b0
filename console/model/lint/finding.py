"""What is wrong with a playbook: a code, words, and the place in the playbook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import date
from enum import StrEnum

from console.model.flow import Key
from console.model.playbook import Playbook
from console.model.value import value


class Grade(StrEnum):
    """How bad it is. ERROR: a run of it goes wrong. WARNING: it goes right, and carries people less well."""

    ERROR = "error"
    WARNING = "warning"


_E, _W = Grade.ERROR, Grade.WARNING
CODES: Mapping[str, tuple[Grade, str]] = {
    "PB001": (_E, "the file cannot be read: syntax, an unknown key, a value of another type"),
    "PB002": (_E, "two files have playbooks of one name"),
    "PB101": (_E, "an unknown role"),
    "PB102": (_E, "an unknown playbook"),
    "PB103": (_E, "an unknown reading"),
    "PB104": (_E, "an unknown channel"),
    "PB105": (_E, "an unknown flag"),
    "PB106": (_E, "a way to a step that does not exist"),
    "PB107": (_E, "an undeclared variable"),
    "PB108": (_W, "a variable that nothing uses"),
    "PB109": (_E, "a query that is no PromQL, or names no metric"),
    "PB110": (_E, "a link to a file that is not there"),
    "PB111": (_E, "a variable from console.yaml that is not there, or is of another type"),
    "PB201": (_E, "a step that nothing leads to"),
    "PB202": (_E, "a decision whose options all lead to the same place"),
    "PB203": (_E, "a missing branch: a case that no option of a decision fits"),
    "PB204": (_E, "conditions of two options that overlap"),
    "PB205": (_E, "an endless loop: it goes round by itself, and nobody decides"),
    "PB206": (_E, "a loop without a way out"),
    "PB207": (_E, "playbooks that run each other in a circle"),
    "PB208": (_E, "a parallel step at the end, which nothing follows"),
    "PB209": (_E, "a value from an alert for a variable of another playbook that does not limit it"),
    "PB301": (_E, "timeboxes that exceed the objective"),
    "PB302": (_W, "an objective that begins after everything must be over"),
    "PB303": (_E, "a wait without a limit"),
    "PB304": (_W, "a wait that does not say what happens at its limit"),
    "PB305": (_E, "a value that must hold for longer than the step may take"),
    "PB306": (_W, "a program that may run for as long as its step may take, or longer"),
    "PB307": (_W, "a step without a timebox"),
    "PB401": (_E, "a role that nobody holds: a step that nobody may do"),
    "PB402": (_W, "an approval that one person alone could give, who may be the one who asks"),
    "PB403": (_E, "a second person where there is only one"),
    "PB501": (_E, "an effect that nothing verifies"),
    "PB502": (_W, "a critical step that does not say what happens when it fails"),
    "PB503": (_W, "an irreversible step that one person does alone"),
    "PB504": (_W, "a critical or irreversible step that may be skipped without a reason"),
    "PB601": (_W, "a response without a value: `done`, `ok`, `checked`"),
    "PB602": (_W, "a challenge that stands there twice"),
    "PB603": (_W, "a list of more than 9 steps without a pause"),
    "PB604": (_W, "one of several lists without a completion call"),
    "PB605": (_W, "one of several lists without a pause point"),
    "PB701": (_W, "a review that is overdue"),
    "PB702": (_E, "a review in the future"),
    "PB703": (_E, "matchers that nothing can ever match"),
}
"""Every code, for good: a code that is no longer found is not used for something else."""


@value
class Finding:
    """One thing that is wrong. `keys` lead from the step, or from the playbook where there is none, to the value; where
    they lead further than the file does, the last value that is there is meant."""

    code: str
    text: str
    step: str = ""
    keys: tuple[Key, ...] = ()

    @property
    def grade(self) -> Grade:
        """How bad it is."""
        return CODES[self.code][0]


def _nowhere(link: str) -> bool:
    return False


@value
class World:
    """What a playbook may refer to. Empty `flags`: none are known, and none is refused."""

    today: date
    roles: tuple[str, ...] = ()
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each role, the logins of those who hold it: two names of one login are one person."""
    logins: int = 0
    """How many people there are."""
    readings: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of console.yaml."""
    playbooks: Mapping[str, Playbook] = field(default_factory=dict)
    leads: Callable[[str], bool] = _nowhere
    """Whether a relative link of this playbook leads to a file."""
