"""The share of a flag in one project and environment of an Unleash: read, set, its changes, what the token may do.

A share above 0 is written into the strategy, and the environment switched on after it where it was off. 0 switches the
environment off first, in one call that no strategy can stop, and then writes 0 into the strategy, so that whoever
switches it on later starts from nothing. A write that must find what was read is conditional: Unleash carries out a
JSON Patch, whose `test` fails where somebody else was faster. What was written is read back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from console.integrations.http import Answer, Finding, Http, Unanswered, act
from console.integrations.unleash import wire
from console.integrations.unleash.history import changes
from console.integrations.unleash.share import SHOWN, Standing, standing
from console.model.flag import FlagAnswer, FlagChange, FlagOutcome, FlagState
from console.model.text import safe
from console.ports import Clock, Rejected, SourceError, Uncertain
from console.settings.outside import Reveal, UnleashFlags

LIMIT = 8 * 1024 * 1024
"""Bytes of one answer: a hundred events are less than one MiB."""
_TEST_FAILED = "Test operation failed"
"""How Unleash's words begin when the `test` of a patch fails, in an answer 500."""
_CHANGE_REQUEST = "; where changes need a change request (Enterprise), make it in Unleash"


class _Heard:
    """The status and the words of an answer that is not good."""

    def __init__(self) -> None:
        self.status, self.words = 0, ""

    def __call__(self, answer: Answer) -> str:
        self.status, self.words = answer.status, wire.words(answer)
        return self.words


class Unleash:
    """A `Flags`. Its own words never hold the token."""

    name = "unleash"

    def __init__(self, settings: UnleashFlags, clock: Clock, secret: Reveal | None = None) -> None:
        self._project, self._environment = settings.project, settings.environment
        self._clock = clock
        self._http = Http(settings.source, clock, secret, limit=LIMIT)

    def close(self) -> None:
        """Ends the requests under way; later ones are refused."""
        self._http.close()

    def read(self, flag: str) -> FlagState:
        """The flag as it is now. Raises SourceError; Rejected where its strategies come to no single share."""
        found = self._standing(flag)
        return self._state(flag, found)

    def set_percent(self, flag: str, percent: float, expected: float | None = None) -> FlagAnswer:
        """As the port says. A share of 0 needs nothing of what is read before, so that nothing unread stops it."""
        wanted, began = self._whole(percent), self._clock.monotonic()
        before: Standing | None = None
        try:
            before = self._standing(flag)
        except SourceError:
            if wanted or expected is not None:
                raise
        if wanted:
            self._usable(flag, before)
        if expected is not None and before is not None and before.percent != expected:
            return self._lost(flag, before, expected)
        if wanted and before is not None and before.is_at(wanted):
            return FlagAnswer(FlagOutcome.ALREADY, f"{self._called(flag)} is at {wanted} % already", wanted, wanted)
        note = ""
        if not wanted:
            note = self._switch_off(flag, before)
        elif not self._raise_to(flag, self._usable(flag, before), wanted, guarded=expected is not None):
            return self._lost(flag, self._again(flag), expected)
        switched = bool(wanted) and before is not None and not before.on
        return self._read_back(flag, wanted, before.percent if before is not None else None, began, note, switched)

    def history(self, flag: str) -> tuple[FlagChange, ...]:
        """The newest 100 events at most, those of this environment and of the flag as a whole. Raises SourceError."""
        answer = self._get(f"events/{_quoted(flag)}")
        found = wire.decoded(self._http, answer, wire.EVENTS, "the history")
        return changes(found.events, self._environment)

    def scope(self, flag: str) -> str:
        """By the permissions that Unleash itself names for the token. Raises SourceError."""
        missing = self._missing()
        if missing is None:
            return "it may read; whether it may write, Unleash does not say"
        if not missing:
            return f"it may read, set the share and switch in {self._environment}"
        return f"it may read, and NOT write in {self._environment}: it has no {' and no '.join(missing)}"

    def probe(self, flag: str = "") -> list[Finding]:
        """What `oncall check` says: whether it answers, how the flag stands, what the token may do. Nothing is
        changed."""
        if not flag:
            return [self._answers()]
        try:
            state = self.read(flag)
        except SourceError as error:
            todo = "correct flags in console.yaml, flag in rollout.yaml, or the flag in Unleash"
            return [Finding(self.name, False, str(error), todo)]
        found = Finding(self.name, True, f"{self._called(flag)} is at {state.percent:g} % ({state.detail})")
        try:
            missing, said = self._missing(), self.scope(flag)
        except SourceError as error:
            return [found, Finding(self.name, False, f"the token: {error}", "give the token a role that may read it")]
        todo = f"give its role {' and '.join(missing)} in {self._environment}" if missing else ""
        return [found, Finding(self.name, not missing, f"the token: {said}", todo)]

    # -- reading ------------------------------------------------------------------------------------------------------

    def _standing(self, flag: str) -> Standing:
        answer = self._get(f"projects/{quote(self._project, safe='')}/features/{_quoted(flag)}")
        feature = wire.decoded(self._http, answer, wire.FEATURE, f"the flag {safe(flag, SHOWN)}")
        if feature.archived:
            raise Rejected(str(self._http.error(f"the flag {safe(flag, SHOWN)} is archived")))
        for item in feature.environments:
            if item.name == self._environment:
                return standing(feature, item)
        known = ", ".join(safe(item.name, SHOWN) for item in feature.environments) or "none"
        reason = f"{safe(flag, SHOWN)} has no environment {self._environment}; it has {known}"
        raise Rejected(str(self._http.error(reason)))

    def _state(self, flag: str, found: Standing) -> FlagState:
        if found.percent is None:
            raise Rejected(
                str(self._http.error(f"the share of {self._called(flag)} cannot be told: {found.untellable}"))
            )
        return FlagState(flag, found.percent, found.on, self._clock.now(), found.detail)

    def _again(self, flag: str) -> Standing | None:
        """As it stands after a write that was not carried out; None where that cannot be read."""
        try:
            return self._standing(flag)
        except SourceError:
            return None

    def _answers(self) -> Finding:
        try:
            self._get(f"projects/{quote(self._project, safe='')}/overview")
        except SourceError as error:
            return Finding(self.name, False, str(error), "correct flags in console.yaml, or the network")
        what = f"{self._http.where} answers, and knows the project {self._project}; rollout.yaml names no flag"
        return Finding(self.name, True, what)

    def _missing(self) -> list[str] | None:
        """The permissions that writing needs and the token lacks; None when Unleash does not say."""
        answer = self._get("user")
        try:
            mine = wire.decoded(self._http, answer, wire.ME, "what the token may do").permissions
        except Unanswered:
            return None
        held = {
            item.permission
            for item in mine
            if item.project in (None, "", "*", self._project) and item.environment in (None, "", self._environment)
        }
        return [] if wire.ADMIN in held else [name for name in (wire.SET_SHARE, wire.SWITCH) if name not in held]

    def _get(self, path: str) -> Answer:
        return self._ask("GET", path, _Heard())

    def _ask(self, method: str, path: str, heard: _Heard, json: object = None) -> Answer:
        """One request. What Unleash does not know (404) it says best itself."""
        try:
            return act(self._http, method, f"api/admin/{path}", words=heard, json=json)
        except Rejected:
            if heard.status == 404 and heard.words:
                raise Rejected(str(self._http.error(f"answers 404: {heard.words}"))) from None
            raise

    # -- writing ------------------------------------------------------------------------------------------------------

    def _whole(self, percent: float) -> int:
        """Unleash itself takes 250, and the clients know whole percents alone. Raises Rejected."""
        if not 0.0 <= percent <= 100.0:
            raise Rejected(f"{self.name}: a share is 0 to 100 %, not {percent:g}; nothing was sent")
        if percent != int(percent):
            raise Rejected(f"{self.name}: takes whole percents, not {percent:g}; nothing was sent")
        return int(percent)

    def _usable(self, flag: str, before: Standing | None) -> Standing:
        assert before is not None  # only 0 goes on without it
        if before.untellable:
            reason = f"{self._called(flag)} was not set: {before.untellable}"
            raise Rejected(str(self._http.error(reason)))
        return before

    def _raise_to(self, flag: str, before: Standing, wanted: int, *, guarded: bool) -> bool:
        """Writes a share above 0. False when somebody else was faster; only a guarded write finds out. One that is off
        is written although it says so already: what it says goes live with the switch."""
        needed = before.rollout != wanted or (guarded and not before.on)
        if needed and not self._patch(flag, before, wanted, guarded=guarded):
            return False
        if not before.on:
            self._switch_on(flag, wanted)
        return True

    def _switch_on(self, flag: str, wanted: int) -> None:
        try:
            self._write("POST", f"{self._path(flag)}/on")
        except Uncertain:
            raise
        except SourceError as error:
            kind = Rejected if isinstance(error, Rejected) else SourceError
            raise kind(f"{error}; its rollout says {wanted} % by now, and it is still off") from None

    def _switch_off(self, flag: str, before: Standing | None) -> str:
        """The kill switch, and then 0 into the strategy. What of the latter did not work, in words: the share is 0
        without it, too."""
        self._write("POST", f"{self._path(flag)}/off")
        if before is None or before.untellable:
            return "; its strategies stay as they are: a later `on` brings them back"
        try:
            if before.rollout:
                self._patch(flag, before, 0, guarded=False)
        except SourceError as error:
            return f"; its rollout may still say {before.rollout:g} %, and a later `on` would jump there ({error})"
        return ""

    def _patch(self, flag: str, before: Standing, wanted: int, *, guarded: bool) -> bool:
        """Writes the rollout. False when it is not any more what was read before; only a guarded one asks that."""
        place = "/parameters/rollout"
        patch: list[dict[str, Any]] = [{"op": "replace", "path": place, "value": str(wanted)}]
        if guarded:
            patch.insert(0, {"op": "test", "path": place, "value": before.text})
        answer = self._write("PATCH", f"{self._path(flag)}/strategies/{quote(before.strategy, safe='')}", patch)
        return answer is not None

    def _write(self, method: str, path: str, json: object = None) -> Answer | None:
        """One write; None when its `test` failed. An answer that leaves open whether it was carried out, a gateway's
        say, raises Uncertain."""
        heard = _Heard()
        try:
            return self._ask(method, path, heard, json)
        except Rejected as error:
            hint = _CHANGE_REQUEST if "change request" in str(error).lower() else ""
            raise Rejected(f"{error}{hint}") from None
        except Unanswered as error:
            if heard.status == 500 and heard.words.startswith(_TEST_FAILED):
                return None
            if error.sent:
                raise Uncertain(f"{error}; it may or may not have been carried out") from None
            raise

    def _read_back(
        self, flag: str, wanted: int, before: float | None, began: float, note: str, switched: bool
    ) -> FlagAnswer:
        """What it reads now. `switched`: it was off, and we switched it on. Nobody can do that under a condition: where
        somebody else's larger share went live with it, it is switched off again."""
        try:
            after = self._standing(flag)
        except SourceError as error:
            raise Uncertain(f"the write was accepted, and cannot be read back: {error}") from None
        was = f"was at {before:g} %, " if before is not None else ""
        seconds = self._clock.monotonic() - began
        if after.percent == wanted:
            note += "; it is switched on all the same" if after.on and not wanted else ""
            text = f"{self._called(flag)} {was}is set to {wanted} %{note}"
            return FlagAnswer(FlagOutcome.DONE, text, before, after.percent, seconds)
        reads = f"{after.percent:g} %" if after.percent is not None else f"no share: {after.untellable}"
        if switched and (after.percent is None or after.percent > wanted):
            note = self._last(flag, shares=True) + self._off_again(flag) + note
            after = self._again(flag) or after
        else:
            note = self._last(flag) + note
        text = f"{self._called(flag)} {was}was set to {wanted} %, which Unleash accepted; it reads {reads}"
        return FlagAnswer(FlagOutcome.INEFFECTIVE, f"{text}{note}", before, after.percent, seconds)

    def _off_again(self, flag: str) -> str:
        try:
            self._write("POST", f"{self._path(flag)}/off")
        except SourceError as error:
            return f"; IT COULD NOT BE SWITCHED OFF AGAIN ({error})"
        return "; it was off before, and is switched off again"

    def _lost(self, flag: str, found: Standing | None, expected: float | None) -> FlagAnswer:
        percent = found.percent if found is not None else None
        stands = f"is at {percent:g} %" if percent is not None else "is changed"
        text = f"{self._called(flag)} {stands}, not at {expected or 0.0:g} %: somebody else was faster"
        return FlagAnswer(FlagOutcome.LOST, f"{text}{self._last(flag)}; nothing was written", percent, percent)

    def _last(self, flag: str, *, shares: bool = False) -> str:
        """`; the newest change: eddie, 3 s ago, rollout 5 -> 25 %`; empty where that cannot be told. `shares`: the
        newest one of the share, whoever switched."""
        try:
            answer = self._get(f"events/{_quoted(flag)}")
            known = changes(wire.decoded(self._http, answer, wire.EVENTS, "the history").events, self._environment)
        except SourceError:
            return ""
        known = tuple(item for item in known if item.percent is not None or not shares)
        if not known:
            return ""
        ago = max(timedelta(0), self._clock.now() + answer.skew - known[-1].at)
        return f"; the newest change: {known[-1].by}, {ago.total_seconds():.0f} s ago, {known[-1].what}"

    def _path(self, flag: str) -> str:
        project, environment = quote(self._project, safe=""), quote(self._environment, safe="")
        return f"projects/{project}/features/{_quoted(flag)}/environments/{environment}"

    def _called(self, flag: str) -> str:
        return f"{safe(flag, SHOWN)} in {self._environment}"


def _quoted(flag: str) -> str:
    """A flag's name as a part of an address. Raises Rejected for what would be another address."""
    if flag in ("", ".", ".."):
        raise Rejected(f"{flag!r} is no name of a flag")
    return quote(flag, safe="")
