"""Many expressions in one request, and what to do when one of them is bad.

The expressions go as one union, each marked with its number by `label_replace`; as a balanced tree, because a chain of
n costs the server n x n. When the server refuses the union, or warns, each is asked alone. Those at fault stay out of
the union from then on, until they answer again or their text changes: one bad expression blanks one value, and does not
make every round a slow one. What is remembered of a template holds for every range that it is filled with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial

import msgspec

from console.integrations.http import Answer, Http, Pending, Unanswered, decode
from console.model.sli import filled
from console.model.value import value

MARK = "oncall_query"
"""The label that tells whose sample it is."""
MAX_TEXT = 100_000
"""Characters of expressions in one request."""
MAX_TERMS = 500
"""Expressions in one request."""
PARALLEL = 4
"""Requests at a time."""
INSTANT, RANGE = "api/v1/query", "api/v1/query_range"
_HOPELESS = (401, 403, 404, 429)
"""Answers that no other wording of the question will change."""

SERVER_SHARE = 0.6
"""The server stops a query after this share of the source's timeout. A busy server notices late: the rest of the time
is for its answer to arrive, since an answer that comes too late blanks everything that was asked with it."""


Fill = Callable[[str], str]
"""A template as it is asked."""


class _Metric(msgspec.Struct, gc=False):
    oncall_query: str = ""


class Sample(msgspec.Struct, gc=False):
    """One series of an answer: `value` of an instant, `values` of a range, neither for a native histogram."""

    metric: _Metric = msgspec.field(default_factory=_Metric)
    value: tuple[float, str | float] | None = None
    values: tuple[tuple[float, str | float], ...] = ()


class Labelled(msgspec.Struct, gc=False):
    """One series of an instant's answer, with all its labels."""

    metric: dict[str, str]
    value: tuple[float, str | float] | None = None


class _Data(msgspec.Struct, gc=False):
    kind: str = msgspec.field(name="resultType", default="")
    result: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"[]"))
    warnings: tuple[str, ...] = ()


class _Envelope(msgspec.Struct, gc=False):
    status: str = ""
    data: _Data | None = None
    kind: str = msgspec.field(name="errorType", default="")
    error: str = ""
    warnings: tuple[str, ...] | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_SAMPLES = msgspec.json.Decoder(tuple[Sample, ...])
_LABELLED = msgspec.json.Decoder(tuple[Labelled, ...])
_SCALAR = msgspec.json.Decoder(tuple[float, str])


@value
class Outcome:
    """What came of one expression.

    `fault` is what the server holds against it; `failure` is what kept the server from answering, and `hopeless` says
    that it will keep it from answering any other one, too.
    """

    samples: tuple[Sample, ...] = ()
    kind: str = ""
    warning: str = ""
    skew: timedelta = timedelta(0)
    fault: str = ""
    failure: str = ""
    hopeless: bool = False

    @property
    def clean(self) -> bool:
        """Whether there is an answer, be it empty, and nothing against it."""
        return not (self.fault or self.failure or self.warning)


class Batch:
    """The way to evaluate expressions. It remembers which of them need a request of their own."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._alone: set[tuple[str, str]] = set()
        self._scalars: set[str] = set()
        self._examined: set[tuple[str, tuple[str, ...]]] = set()
        self._terms = MAX_TERMS

    def evaluate(
        self, path: str, scrapes: Mapping[str, float], form: Mapping[str, str], seconds: float
    ) -> dict[str, Outcome]:
        """An outcome for every expression, within twice the source's timeout; templates are filled with a range of so
        many seconds, and the scrape interval that is given with each.

        Raises SourceError when nothing could be evaluated, after one timeout when the server is silent.
        """
        deadline = self._http.clock.monotonic() + 2 * self._http.source.timeout.total_seconds()
        alone = [text for text in scrapes if (path, text) in self._alone]
        together = [text for text in scrapes if (path, text) not in self._alone]
        outcomes: dict[str, Outcome] = {}
        doubtful: list[str] = []
        refused = False

        def fill(text: str) -> str:
            return filled(text, seconds, scrapes[text])

        ask = partial(self._ask, path=path, form=form, fill=fill, deadline=deadline)
        for unit, found in ask([*self._chunks(together), *([text] for text in alone)]):
            first = found[unit[0]]
            warned = bool(first.warning) and (path, tuple(unit)) not in self._examined
            if len(unit) > 1 and (first.fault or warned):
                self._examined.add((path, tuple(unit)))
                doubtful += unit
                refused = refused or not warned
            else:
                outcomes |= found
        for _, found in ask([[text] for text in doubtful]):
            outcomes |= found
        self._learn(path, doubtful, outcomes, refused)
        for text in alone:
            if outcomes[text].clean:
                self._alone.discard((path, text))
        failures = [outcome.failure for outcome in outcomes.values()]
        if failures and all(failures):
            raise self._http.error(failures[0])
        return outcomes

    def single(self, path: str, text: str, form: Mapping[str, str], seconds: float) -> Outcome:
        """The outcome of one expression, asked as it is. Raises nothing."""
        timeout = self._http.source.timeout.total_seconds()
        return next(self._wave([[text]], path, form, lambda text: filled(text, seconds), timeout))[1][text]

    def labelled(self, text: str) -> tuple[Labelled, ...]:
        """What one expression gives now, with all labels. Raises SourceError."""
        timeout = self._http.source.timeout.total_seconds()
        limit = f"{SERVER_SHARE * timeout:.3f}"
        answer = self._http.ask("POST", INSTANT, form={"query": text, "timeout": limit})
        envelope = self._envelope(answer, INSTANT)
        if isinstance(envelope, Outcome):
            raise self._http.error(envelope.fault or envelope.failure)
        try:
            return decode(envelope.result, _LABELLED) if envelope.kind == "vector" else ()
        except ValueError as error:
            raise self._http.error(f"answers what is not Prometheus's: {error}") from None

    def _chunks(self, texts: Sequence[str]) -> Iterator[list[str]]:
        chunk: list[str] = []
        size = 0
        for text in texts:
            if chunk and (size + len(text) > MAX_TEXT or len(chunk) >= self._terms):
                yield chunk
                chunk, size = [], 0
            chunk.append(text)
            size += len(text) + 50
        if chunk:
            yield chunk

    def _ask(
        self, units: Sequence[list[str]], path: str, form: Mapping[str, str], fill: Fill, deadline: float
    ) -> Iterator[tuple[list[str], dict[str, Outcome]]]:
        """Each unit with its outcomes, a few requests at a time. What is not reached in time fails."""
        clock, timeout = self._http.clock, self._http.source.timeout.total_seconds()
        waves = [units[at : at + PARALLEL] for at in range(0, len(units), PARALLEL)]
        failed = ""
        for number, wave in enumerate(waves):
            share = min(timeout, (deadline - clock.monotonic()) / (len(waves) - number))
            if share < 0.01 and not failed:
                failed = "not asked: the others took all the time"
            if failed:
                yield from ((unit, dict.fromkeys(unit, Outcome(failure=failed))) for unit in wave)
                continue
            results = list(self._wave(wave, path, form, fill, share))
            yield from results
            ends = [found[unit[0]] for unit, found in results]
            if all(end.hopeless for end in ends):
                failed = ends[0].failure

    def _wave(
        self, units: Sequence[list[str]], path: str, form: Mapping[str, str], fill: Fill, timeout: float
    ) -> Iterator[tuple[list[str], dict[str, Outcome]]]:
        # The server is to give up first: then it says why, and is not left with work that nobody waits for.
        limit = {"timeout": f"{SERVER_SHARE * timeout:.3f}"} | dict(form)
        started: list[tuple[list[str], Pending | Unanswered]] = []
        for unit in units:
            query = fill(unit[0]) if len(unit) == 1 else self._union(unit, fill)
            try:
                pending = self._http.start("POST", path, form={"query": query, **limit}, timeout=timeout)
                started.append((unit, pending))
            except Unanswered as error:
                started.append((unit, error))
        for unit, begun in started:
            try:
                if isinstance(begun, Unanswered):
                    raise begun
                yield unit, self._parted(unit, self._outcome(begun.result(), path))
            except Unanswered as error:
                yield unit, dict.fromkeys(unit, Outcome(failure=error.reason, hopeless=True))

    def _union(self, unit: Sequence[str], fill: Fill) -> str:
        # A line feed before the parenthesis closes ends a comment. Numbers as marks need no quoting.
        forms = ("vector((\n{}\n))" if text in self._scalars else "(\n{}\n)" for text in unit)
        bodies = (form.format(fill(text)) for form, text in zip(forms, unit, strict=True))
        return _tree([f'label_replace({body}, "{MARK}", "{at}", "", "")' for at, body in enumerate(bodies)])

    def _parted(self, unit: list[str], outcome: Outcome) -> dict[str, Outcome]:
        if len(unit) == 1 or not outcome.samples:
            return dict.fromkeys(unit, outcome)
        parts: dict[str, list[Sample]] = {str(at): [] for at in range(len(unit))}
        for sample in outcome.samples:
            if sample.metric.oncall_query not in parts:
                raise self._http.error("gave back samples that nobody asked for; is it Prometheus?")
            parts[sample.metric.oncall_query].append(sample)
        return {
            text: Outcome(tuple(samples), outcome.kind, outcome.warning, outcome.skew)
            for text, samples in zip(unit, parts.values(), strict=True)
        }

    def _outcome(self, answer: Answer, path: str) -> Outcome:
        """Reads an answer. Raises Unanswered when it is none of Prometheus's."""
        found = self._envelope(answer, path)
        return found if isinstance(found, Outcome) else self._samples(found, answer.skew)

    def _envelope(self, answer: Answer, path: str) -> _Data | Outcome:
        """What the answer holds, or why it holds nothing. Raises Unanswered when it is none of Prometheus's."""
        try:
            envelope = decode(answer.body, _ENVELOPE)
        except ValueError as error:
            if not answer.good:
                return self._refused(answer)
            raise self._http.error(f"answers what is not Prometheus's: {error}") from None
        if answer.status in _HOPELESS:
            return self._refused(answer, envelope.error)
        if envelope.status == "error":
            said = self._http.words(f"{envelope.kind or answer.status}: {envelope.error}")
            if answer.status in (400, 422) or envelope.kind in ("bad_data", "execution"):
                return Outcome(fault=said)
            return Outcome(fault=said, failure=said)
        if not answer.good:
            return self._refused(answer)
        if envelope.status != "success" or envelope.data is None:
            raise self._http.error("answers without a status or data; is it Prometheus?")
        if envelope.data.kind not in (("matrix",) if path == RANGE else ("vector", "scalar")):
            kind = self._http.words(envelope.data.kind) or "nothing"
            return Outcome(fault=f"the answer is a {kind}, expected one number")
        envelope.data.warnings = tuple(envelope.warnings or ())
        return envelope.data

    def _refused(self, answer: Answer, words: str = "") -> Outcome:
        failure = self._http.refusal(answer, words).reason
        if answer.status in _HOPELESS:
            return Outcome(failure=failure, hopeless=True)
        # A proxy's own page may stand for one query that was too long or took too long.
        return Outcome(fault=failure, failure=failure, hopeless=True)

    def _samples(self, data: _Data, skew: timedelta) -> Outcome:
        warnings = data.warnings
        warning = self._http.words(warnings[0]) if warnings else ""
        if len(warnings) > 1:
            warning += f" (and {len(warnings) - 1} more)"
        try:
            if data.kind == "scalar":
                return Outcome((Sample(value=decode(data.result, _SCALAR)),), data.kind, warning, skew)
            return Outcome(decode(data.result, _SAMPLES), data.kind, warning, skew)
        except ValueError as error:
            raise self._http.error(f"answers what is not Prometheus's: {error}") from None

    def _learn(self, path: str, doubtful: Sequence[str], outcomes: Mapping[str, Outcome], refused: bool) -> None:
        """Keeps out of the union what spoiled it; makes smaller unions when none of them did alone."""
        found = {text: outcomes[text] for text in doubtful}
        scalars = [text for text, outcome in found.items() if outcome.kind == "scalar"]
        faulty = [text for text, outcome in found.items() if outcome.fault and not outcome.hopeless]
        self._scalars.update(scalars)
        self._alone.update((path, text) for text in faulty)
        if any(outcome.clean for outcome in found.values()):  # else it is the server that warns of everything
            self._alone.update((path, text) for text, outcome in found.items() if outcome.warning)
        if refused and not (faulty or scalars or any(outcome.failure for outcome in found.values())):
            self._terms = max(1, min(self._terms, len(found)) // 2)


def _tree(terms: list[str]) -> str:
    """The terms, joined by `or` in pairs of pairs."""
    while len(terms) > 2:
        pairs = [f"({' or '.join(terms[at : at + 2])})" for at in range(0, len(terms), 2)]
        terms = pairs
    return " or ".join(terms)
