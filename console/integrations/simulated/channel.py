"""The channel of the demo and of the drills."""

from __future__ import annotations

from console.model.message import Act, Delivery
from console.model.pager import ActOutcome, ActResult
from console.ports import Clock, Rejected, SourceError


class SimulatedChannel:
    """A `Channel` that keeps what it was given and reaches nobody. `fault` is raised by what comes while it is set."""

    def __init__(self, name: str, clock: Clock, acts: tuple[Act, ...] = (Act.POST, Act.PAGE)) -> None:
        self.name, self.acts = name, acts
        self.fault: SourceError | None = None
        self._clock = clock
        self._kept: dict[str, Delivery] = {}

    @property
    def kept(self) -> tuple[Delivery, ...]:
        """What it was given, oldest first, each once."""
        return tuple(self._kept.values())

    def deliver(self, delivery: Delivery) -> ActResult:
        """Keeps it. Raises SourceError."""
        if self.fault is not None:
            raise self.fault
        if delivery.act not in self.acts:
            raise Rejected(f"{self.name}: cannot {delivery.act}")
        known = delivery.id in self._kept
        self._kept.setdefault(delivery.id, delivery)
        ref = f"{self.name}-{[*self._kept].index(delivery.id) + 1}"
        outcome = ActOutcome.ALREADY if known else ActOutcome.DONE
        return ActResult(outcome, f"simulated {self.name}: kept, nobody was told", at=self._clock.now(), ref=ref)

    def prove(self, delivery: Delivery) -> ActResult:
        """Keeps a test. Raises SourceError."""
        return self.deliver(delivery)
