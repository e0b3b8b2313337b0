"""JSON bodies from outside: typed decoding that one odd character cannot stop."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


def decode(body: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """The body, typed. One that is refused is read again: lone surrogates become `?`, NaN and Infinity null.

    Raises ValueError, with one line on where and what, when it is no JSON or of another shape.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    except (msgspec.DecodeError, RecursionError):
        return _again(bytes(body), decoder)


def _again(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    import json

    try:
        text = json.dumps(json.loads(body, parse_constant=lambda _: None), ensure_ascii=False)
        return decoder.decode(text.encode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except (ValueError, msgspec.MsgspecError):
        raise ValueError("not JSON, or cut off") from None
