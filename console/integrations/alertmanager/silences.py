"""The silences of one cluster of Alertmanagers: read, created, ended, extended.

The peers share them by gossip. A change goes to one peer alone, the first that answers, and is read back; when its
answer is lost, the peers are asked what has become of it before anybody is told that it is uncertain.

Alertmanager knows no conditional change. The silence is read just before, and the answer tells by its id: an edit
keeps the id, unless the silence had ended in between. Then a new one is there, which is taken back.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from console.integrations.alertmanager import silence_wire, wire
from console.integrations.http import Answer, Http, Unanswered, act, decode
from console.model.pager import ActOutcome, ActResult
from console.model.silence import (
    KEPT,
    Silence,
    SilenceState,
    created,
    created_before,
    end_refusal,
    ended,
    ended_before,
    extended,
    refusal,
)
from console.model.text import safe
from console.ports import Rejected, SourceError, Uncertain

ALL, ONE = "api/v2/silences", "api/v2/silence"
PATIENCE, PAUSE = 3.0, 0.2
"""Seconds until what was sent without an answer must be seen on some peer, and between two looks."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class AlertmanagerSilences:
    """Implements `Silences` over the peers of one cluster."""

    def __init__(self, cluster: str, peers: Sequence[Http], patience: float = PATIENCE) -> None:
        self.cluster = cluster
        self.note = ""
        """What of the last answer could not be read; empty when all could."""
        self._peers, self._patience = tuple(peers), patience
        self._clock = peers[0].clock
        self._closing = threading.Event()

    def close(self) -> None:
        """Ends the requests under way; later ones are refused."""
        self._closing.set()
        for peer in self._peers:
            peer.close()

    def read(self) -> tuple[Silence, ...]:
        """All silences that are pending or active, and those that expired within the last day. Raises SourceError."""
        return self._list()[2]

    def create(self, silence: Silence) -> ActResult:
        """Creates it. The same silence (matchers, end, author, comment) is never made twice."""
        self._check(silence, self._clock.now())
        peer, answer, before = self._list()
        theirs = self._clock.now() + answer.skew
        self._check(silence, theirs, f" by the clock of {peer.where}")
        twin = _twin(silence, before)
        if twin is not None:
            return created_before(twin)
        try:
            posted = self._send(peer, "POST", ALL, silence_wire.body(silence, self._clock.now(), theirs))
            made = self._again(peer, decode(posted.body, silence_wire.CREATED).id)
        except ValueError:
            raise Uncertain(f"{peer.where} has answered what is no silence's id") from None
        except Uncertain as lost:
            found = self._settled(peer, lambda other: _twin(silence, self._all(other)[1]))
            if found is None:
                raise lost from None
            made = found
        if not _same(silence, made):
            self._take_back(made)
            raise Rejected(f"{peer.where} has understood something else, {made.text}, which was ended again")
        return created(made)

    def expire(self, silence_id: str) -> ActResult:
        """Ends it now. ALREADY when it has ended before."""
        peer, before, _ = self._find(silence_id)
        if before.state is SilenceState.EXPIRED:
            return ended_before(before, ActOutcome.ALREADY)
        try:
            self._send(peer, "DELETE", f"{ONE}/{silence_id}")
            after = self._again(peer, silence_id)
        except Uncertain as lost:
            found = self._settled(peer, lambda other: _when(self._one(other, silence_id), SilenceState.EXPIRED))
            if found is None:
                raise lost from None
            after = found
        return ended(after)

    def extend(self, silence_id: str, ends_at: datetime) -> ActResult:
        """Moves its end, to an earlier instant, too. LOST when it has ended meanwhile, or got another end."""
        self._check_end(ends_at, self._clock.now())
        wanted = silence_wire.millis(ends_at)
        peer, before, answer = self._find(silence_id)
        if before.state is SilenceState.EXPIRED or before.ends_at == wanted:
            return extended(before, before, wanted)
        self._check_end(wanted, self._clock.now() + answer.skew, f" by the clock of {peer.where}")
        # As it came: only with the same matchers and the same start does Alertmanager keep the id.
        fields = decode(answer.body, silence_wire.FIELDS)
        kept = {name: value for name, value in fields.items() if name not in ("status", "updatedAt")}
        try:
            changed = self._send(peer, "POST", ALL, {**kept, "endsAt": silence_wire.written(wanted)})
            after = self._again(peer, decode(changed.body, silence_wire.CREATED).id)
        except ValueError:
            raise Uncertain(f"{peer.where} has answered what is no silence's id") from None
        except Uncertain as lost:
            found = self._settled(peer, lambda other: _until(self._one(other, silence_id), wanted))
            if found is None:
                raise lost from None
            after = found
        if after.id != silence_id:
            old = self._again(peer, silence_id)
            # By the server's clock, in milliseconds: it had ended before our change came, or in the very same one.
            if old.ends_at <= after.starts_at:
                self._take_back(after)
                return ended_before(old, ActOutcome.LOST)
        return extended(before, after, wanted)

    def _take_back(self, silence: Silence) -> None:
        try:
            self.expire(silence.id)
        except SourceError as error:
            what = f"{silence.text} stands under {silence.id}, and could not be ended again: {error}"
            raise Uncertain(f"{self.cluster}: {what}") from None

    def _check(self, silence: Silence, now: datetime, whose: str = "") -> None:
        reason = refusal(silence, now)
        if reason:
            raise Rejected(f"{self.cluster}: not silenced: {reason}{whose}")

    def _check_end(self, ends_at: datetime, now: datetime, whose: str = "") -> None:
        reason = end_refusal(ends_at, now)
        if reason:
            raise Rejected(f"{self.cluster}: not changed: {reason}{whose}")

    # --- asking ---

    def _list(self) -> tuple[Http, Answer, tuple[Silence, ...]]:
        """The silences as the first peer that answers knows them. Raises SourceError."""
        errors: list[SourceError] = []
        for peer in self._peers:
            try:
                answer, found = self._all(peer)
            except SourceError as error:
                errors.append(error)
                continue
            self._prefer(peer)
            horizon = self._clock.now() + answer.skew - KEPT
            fresh = (item for item in found if item.state is not SilenceState.EXPIRED or item.ends_at > horizon)
            return peer, answer, tuple(sorted(fresh, key=lambda item: (item.ends_at, item.id)))
        raise self._nobody(errors)

    def _find(self, silence_id: str) -> tuple[Http, Silence, Answer]:
        """One silence, and the peer that knows it. Raises Rejected when none of them does, else SourceError."""
        if not _UUID.fullmatch(silence_id):
            raise Rejected(f"{self.cluster}: {safe(silence_id, 64)!r} is no silence's id")
        errors: list[SourceError] = []
        for peer in self._peers:
            try:
                answer = self._get(peer, f"{ONE}/{silence_id}", missing=404)
                found = None if answer.status == 404 else silence_wire.silence(answer.body, self.cluster)
            except SourceError as error:
                errors.append(error)
                continue
            except ValueError:
                errors.append(peer.error("answers what is no silence"))
                continue
            if found is not None:
                self._prefer(peer)
                return peer, found, answer
        if not errors:
            raise Rejected(f"{self.cluster}: there is no silence {silence_id}")
        raise self._nobody(errors)

    def _all(self, peer: Http) -> tuple[Answer, tuple[Silence, ...]]:
        answer = self._get(peer, ALL)
        try:
            rows = decode(answer.body, wire.RAW_LIST)
        except ValueError as error:
            raise peer.error(f"answers what is not Alertmanager's: {error}") from None
        found, unreadable = [], 0
        for row in rows:
            try:
                found.append(silence_wire.silence(row, self.cluster))
            except ValueError:
                unreadable += 1
        if unreadable and not found:
            raise peer.error("answers with silences of which none can be read; is it Alertmanager's API v2?")
        self.note = f"{unreadable} of its silences could not be read" if unreadable else ""
        return answer, tuple(found)

    def _one(self, peer: Http, silence_id: str) -> Silence | None:
        answer = self._get(peer, f"{ONE}/{silence_id}", missing=404)
        try:
            return None if answer.status == 404 else silence_wire.silence(answer.body, self.cluster)
        except ValueError:
            raise peer.error("answers what is no silence") from None

    def _get(self, peer: Http, path: str, missing: int = 0) -> Answer:
        answer = peer.ask("GET", path)
        if not answer.good and answer.status != missing:
            raise peer.refusal(answer, wire.words(answer))
        return answer

    def _send(self, peer: Http, method: str, path: str, body: Mapping[str, object] | None = None) -> Answer:
        """One change. A server's fault (500 and above) says nothing about what has become of it: Uncertain, too."""
        try:
            return act(peer, method, path, json=body, words=wire.words)
        except Unanswered as error:
            if error.sent:
                raise Uncertain(f"{error}; it may or may not have been carried out") from None
            raise

    def _again(self, peer: Http, silence_id: str) -> Silence:
        """A silence just after its change, as the peer has it that took the change. Raises Uncertain."""
        found = self._settled(peer, lambda other: self._one(other, silence_id), self_first=True)
        if found is None:
            raise Uncertain(f"{peer.where} has taken the change, but it cannot be read back")
        return found

    def _settled(
        self, peer: Http, look: Callable[[Http], Silence | None], *, self_first: bool = False
    ) -> Silence | None:
        """What `look` finds, on the other peers first, within the patience. Gossip takes a moment."""
        others = [other for other in self._peers if other is not peer]
        peers = [peer, *others] if self_first else [*others, peer]
        until = self._clock.monotonic() + self._patience
        for other in _rounds(peers, until, self._clock.monotonic, self._closing):
            try:
                found = look(other)
            except SourceError:
                continue
            if found is not None:
                return found
        return None

    def _prefer(self, peer: Http) -> None:
        """Asks this one first from now on: one that hangs would hold up everything."""
        if self._peers[0] is not peer:
            self._peers = (peer, *(other for other in self._peers if other is not peer))

    def _nobody(self, errors: Sequence[SourceError]) -> SourceError:
        if len(errors) == 1:
            return errors[0]
        return SourceError(f"no Alertmanager of {self.cluster} can say: " + "; ".join(str(one)[:200] for one in errors))


def _rounds(
    peers: Sequence[Http], until: float, monotonic: Callable[[], float], closing: threading.Event
) -> Iterator[Http]:
    """The peers one after the other, again and again, with a pause between."""
    while True:
        for peer in peers:
            yield peer
            if monotonic() >= until:
                return
        if closing.wait(PAUSE):
            return


def _same(silence: Silence, other: Silence) -> bool:
    """Whether they hide the same until the same instant. The other one has been read, so that its text is safe."""
    matchers = {silence_wire.matcher(item.name, item.op, item.value) for item in silence.matchers}
    return matchers == set(other.matchers) and silence_wire.millis(silence.ends_at) == other.ends_at


def _twin(silence: Silence, others: Sequence[Silence]) -> Silence | None:
    """The one among them that is this one, already created."""
    said = (safe(silence.created_by, wire.NAME_LIMIT), safe(silence.comment))
    for other in others:
        if other.state in (SilenceState.EXPIRED, SilenceState.UNKNOWN) or not _same(silence, other):
            continue
        if (other.created_by, other.comment) == said:
            return other
    return None


def _when(silence: Silence | None, state: SilenceState) -> Silence | None:
    return silence if silence is not None and silence.state is state else None


def _until(silence: Silence | None, ends_at: datetime) -> Silence | None:
    return silence if silence is not None and silence.ends_at == ends_at else None
