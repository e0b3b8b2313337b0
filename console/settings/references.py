"""Names that one file uses and another defines: every one must lead somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from console.model.escalation import OnCallRole
from console.model.playbook import Variable
from console.model.value import value
from console.settings.nodes import Node
from console.settings.problems import Problems, one_of, shown

CHANNELS = ("slack", "email", "webhook")
"""The kinds of channels that tell people something."""


@value
class Known:
    """The names of one kind.

    Unless `complete`, a file that may define more of them could not be read. Nothing is said then about a name that is
    not among them: one mistake should not be reported as ten.
    """

    names: tuple[str, ...]
    complete: bool = True

    @staticmethod
    def of(prefix: str, names: Iterable[str], path: Path, problems: Problems) -> Known:
        """What the file or the folder at `path` defines. An empty name stands for one that was refused."""
        found = tuple(dict.fromkeys(names))
        complete = all(found) and not problems.unread(path) and (bool(found) or not problems.touch(path))
        return Known(tuple(prefix + name for name in found if name), complete)

    def plus(self, other: Known) -> Known:
        """The names of both, which are complete when both are."""
        return Known(self.names + other.names, self.complete and other.complete)


@dataclass(slots=True)
class References:
    """The names in use, each with the place of its use."""

    roles: list[tuple[str, Node]] = field(default_factory=list)
    readings: list[tuple[str, Node]] = field(default_factory=list)
    playbooks: list[tuple[str, Node]] = field(default_factory=list)
    flags: list[tuple[str, Node]] = field(default_factory=list)
    channels: list[tuple[str, Node]] = field(default_factory=list)
    settings: list[tuple[Variable, Node]] = field(default_factory=list)
    """Variables of playbooks that come from console.yaml."""
    ladders: list[tuple[tuple[str, Node], ...]] = field(default_factory=list)
    """Of each severity, the on-call roles that are told, level by level."""
    on_call: list[tuple[str, Node]] = field(default_factory=list)
    """On-call roles that somebody must hold."""
    steps: list[tuple[str, str, Node]] = field(default_factory=list)
    """Steps of playbooks: the playbook, and the step's id."""

    def check(self, roles: Known, playbooks: Known, readings: Mapping[str, Known]) -> None:
        """Refuses every name that leads nowhere.

        `readings` maps what stands before a reading's first dot to the readings of that kind.
        """
        for name, place in self.roles:
            _check("role", name, place, roles)
        for name, place in self.playbooks:
            _check("playbook", name, place, playbooks)
        everything = Known(tuple(name for known in readings.values() for name in known.names))
        for name, place in self.readings:
            _check("reading", name, place, readings.get(name.partition(".")[0], everything))

    def of_playbooks(self, problems: Problems) -> References:
        """The names of playbooks and of their steps alone, which complain to `problems`: they are looked at once more
        when the playbooks are there."""

        def again(node: Node) -> Node:
            return Node(node.file, node.tree, problems)

        return References(
            playbooks=[(name, again(node)) for name, node in self.playbooks],
            steps=[(playbook, step, again(node)) for playbook, step, node in self.steps],
        )

    def check_steps(self, steps: Mapping[str, Known]) -> None:
        """Refuses a step that its playbook does not have."""
        for playbook, name, place in self.steps:
            if playbook in steps:
                _check("step", name, place, steps[playbook])

    def check_flags(self, flag: str) -> None:
        """Warns of a flag that is not the rollout's."""
        for name, place in self.flags:
            if name and name != flag:
                place.warn(f"the flag {shown(name)}", f"{shown(flag)}, as in rollout.yaml")

    def check_channels(self, known: Known) -> None:
        """Refuses what is no channel, and warns of a channel that there is not."""
        kinds = {name.partition(".")[0] for name in known.names}
        for name, place in self.channels:
            if name in kinds or not name:
                continue
            if name.partition(".")[0] in CHANNELS and name not in known.names:
                # The playbooks that ship name channels that another team may not have: a run says so, and it is done
                # by hand; `oncall playbook lint` finds it.
                place.warn(f"the channel {shown(name)}, which no environment has", "one under `notify` in console.yaml")
            else:
                _check("channel", name, place, Known((*CHANNELS, *known.names), known.complete))

    def check_settings(self, settings: Mapping[str, str], known: Known) -> None:
        """Refuses a variable that console.yaml does not have, unless there is a default, or has with a value that will
        not do."""
        from console.settings.playbook.variables import check_value

        for variable, place in self.settings:
            name = variable.source.partition(".")[2]
            if name in settings:
                check_value(variable, place, settings[name])
            elif not variable.default:
                _check("variable", name, place, known)

    def check_ladders(self, roles: Sequence[OnCallRole], known: Known) -> None:
        """Refuses an on-call role that nobody holds, and warns of one that tells nobody who is not told before."""
        holders = {role.name: role for role in roles}
        for name, place in self.on_call:
            _check("on-call role", name, place, known)
        for ladder in self.ladders:
            told: set[str] = set()
            for name, place in ladder:
                _check("on-call role", name, place, known)
                role = holders.get(name)
                if role is not None and not role.schedule and told.issuperset(role.people):
                    place.warn(f"the role {shown(name)}, whose people are all told before", "somebody else")
                told.update(role.people if role is not None else ())


def _check(what: str, name: str, place: Node, known: Known) -> None:
    if name and name not in known.names and known.complete:
        expected = one_of(known.names, name) if known.names else f"no {what}: none is defined"
        place.refuse(f"the unknown {what} {shown(name)}", expected)
