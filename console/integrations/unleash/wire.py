"""What Unleash's Admin API answers, as far as it is looked at. Variants are not: they say which version somebody gets
who is in, not who is in."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from console.integrations.http import Answer, Http, decode

T = TypeVar("T")

ADMIN = "ADMIN"
"""The permission that holds all others."""
SET_SHARE, SWITCH = "UPDATE_FEATURE_STRATEGY", "UPDATE_FEATURE_ENVIRONMENT"


class Strategy(msgspec.Struct):
    """One rule of who is in."""

    name: str
    id: str = ""
    parameters: dict[str, Any] | None = None
    constraints: list[msgspec.Raw] | None = None
    segments: list[msgspec.Raw] | None = None
    disabled: bool | None = None


class InEnvironment(msgspec.Struct):
    """A flag in one environment."""

    name: str
    enabled: bool
    strategies: list[Strategy] = []


class Parent(msgspec.Struct):
    """A flag that another one depends on."""

    feature: str = ""


class Feature(msgspec.Struct):
    """A flag of a project."""

    name: str
    environments: list[InEnvironment]
    archived: bool = False
    dependencies: list[Parent] = []


class Event(msgspec.Struct):
    """Something that was changed. `data` and `preData` are of many shapes; those of a strategy are looked at."""

    id: int
    type: str
    createdAt: str
    createdBy: str | None = None
    environment: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    preData: msgspec.Raw = msgspec.Raw(b"null")


class Events(msgspec.Struct):
    """The newest first."""

    events: list[Event]


class Permission(msgspec.Struct):
    """One thing that the token may do; without a project or an environment, in all of them."""

    permission: str
    project: str | None = None
    environment: str | None = None


class Me(msgspec.Struct):
    """Whom the token stands for. The answer holds the token itself: nothing else is taken from it."""

    permissions: list[Permission]


class _Detail(msgspec.Struct):
    message: str = ""


class _Error(msgspec.Struct):
    message: str = ""
    details: list[_Detail] = []


FEATURE = msgspec.json.Decoder(Feature)
EVENTS = msgspec.json.Decoder(Events)
ME = msgspec.json.Decoder(Me)
STRATEGY = msgspec.json.Decoder(Strategy)
_ERROR = msgspec.json.Decoder(_Error)


def words(answer: Answer) -> str:
    """Unleash's own words in an answer that is not good; empty where there are none."""
    try:
        error = decode(answer.body, _ERROR)
    except ValueError:
        return ""
    return next((item.message for item in error.details if item.message), error.message)


def decoded(http: Http, answer: Answer, decoder: msgspec.json.Decoder[T], what: str) -> T:
    """A good answer, typed. Raises SourceError."""
    try:
        return decode(answer.body, decoder)
    except ValueError as error:
        raise http.error(f"{what} is not as Unleash tells it ({error})") from None
