"""What lets us in: the headers of a source, with each secret resolved anew, and the texts that no message may show."""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Sequence

from console.settings.outside import HttpSource, Reveal, SecretRef
from console.settings.secrets import SecretError

KEPT = 64
"""Secrets that are remembered to be masked: an answer may repeat one that has been rotated since."""
SHORT = 8
"""Fixed headers of fewer characters are no secrets, and would mask half of a sentence."""


class AccessError(Exception):
    """A secret is not to be had. The message is one line that names the reference, never the secret."""


class Access:
    """Of one source. Without `secret` its references are not resolved, and nothing secret is sent."""

    def __init__(self, source: HttpSource, secret: Reveal | None, secrets: Sequence[str] = ()) -> None:
        self._source, self._secret = source, secret
        fixed = (text for _, text in source.headers if isinstance(text, str) and len(text) >= SHORT)
        self._fixed = (*secrets, *fixed)
        self._seen: deque[str] = deque(maxlen=KEPT)

    @property
    def names(self) -> str:
        """The references, as advice names them; empty where there are none."""
        return " and ".join(str(ref) for _, ref in self._source.secrets())

    def headers(self) -> dict[str, str]:
        """The headers that are fixed, and those that carry secrets. Raises AccessError."""
        source = self._source
        found = {name: text for name, text in source.headers if isinstance(text, str)}
        if self._secret is None:
            return found
        for name, ref in source.headers:
            if isinstance(ref, SecretRef):
                found[name] = self._resolved(f"the header {name}", ref)
        if source.token is not None:
            found["Authorization"] = f"Bearer {self._resolved('the token', source.token)}"
        if source.basic_auth is not None:
            password = self._resolved("the password", source.basic_auth.password)
            pair = b64encode(f"{source.basic_auth.username}:{password}".encode()).decode()
            self._remember(pair)
            found["Authorization"] = f"Basic {pair}"
        return found

    def masked(self, text: str) -> str:
        """The text without any of our secrets."""
        for secret in sorted((*self._fixed, *tuple(self._seen)), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def reveal(self, ref: SecretRef) -> str:
        """One secret, known from now on to be masked. Raises what the resolver raises."""
        if self._secret is None:
            raise SecretError(f"{ref}: found nobody to resolve it, expected a configured source")
        found = self._secret(ref).strip()
        self._remember(found)
        return found

    def _resolved(self, what: str, ref: SecretRef) -> str:
        try:
            found = self.reveal(ref)
        except SecretError as error:
            raise AccessError(f"{what} {ref} cannot be read: {str(error).removeprefix(f'{ref}: ')}") from None
        except Exception as error:
            # The resolver's own words may name what only the operator should see.
            raise AccessError(f"{what} {ref} cannot be read ({type(error).__name__})") from None
        if not found or not found.isascii() or not found.isprintable():
            raise AccessError(f"{what} {ref} is empty, or holds what no header can carry")
        return found

    def _remember(self, secret: str) -> None:
        if secret and secret not in self._seen:
            self._seen.append(secret)
