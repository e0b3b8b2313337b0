"""Runbooks: what an alert's `runbook_url` leads to, or a local Markdown file of the alert's name.

The address stands in an alert, which anybody may have sent: only http and https are followed, no secret goes along, no
redirect is followed, and little of the answer is kept.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from console.integrations.http import Http
from console.model.text import safe
from console.ports import Clock, SourceError
from console.settings.outside import HttpSource

LIMIT = 100_000
"""Characters kept of a runbook."""
PAGE_LIMIT = 8 * 1024 * 1024
"""Bytes taken of a page."""
TIMEOUT = timedelta(seconds=10)

_GITHUB_PAGE = re.compile(r"https://github\.com/([^/]+/[^/]+)/blob/(.+)")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]*")


class Runbooks:
    """Implements `ports.Runbooks` over a folder (None: there is none) and the network."""

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        self._folder, self._clock = folder, clock

    def read(self, name: str, url: str) -> tuple[str, str]:
        """(Markdown, where it is from). The local file goes first: it is there when the network is not.

        Raises SourceError.
        """
        local = self._local(name)
        if local is not None:
            return local
        if not url:
            where = f", and no {name}.md in {self._folder}" if self._folder is not None else ""
            raise SourceError(f"the alert has no runbook_url{where}")
        return self._fetched(url), url

    def _local(self, name: str) -> tuple[str, str] | None:
        if self._folder is None or _FILE.fullmatch(name) is None:
            return None
        path = self._folder / f"{name}.md"
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                return _bounded(file.read(LIMIT + 1)), str(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from None

    def _fetched(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            usable = bool(parts.hostname) and parts.scheme in ("http", "https")
        except ValueError:
            usable = False
        if not usable:
            raise SourceError(f"the runbook_url is no http or https address: {safe(url, 200)}")
        if "@" in url.split("/")[2]:
            raise SourceError("the runbook_url holds a user or password: it is not followed")
        raw = _GITHUB_PAGE.fullmatch(url)
        if raw is not None:
            url = f"https://raw.githubusercontent.com/{raw[1]}/{raw[2]}"
        http = Http(HttpSource("runbook", url, timeout=TIMEOUT), self._clock, limit=PAGE_LIMIT)
        try:
            answer = http.ask("GET", "")
            if not answer.good:
                raise http.refusal(answer)
        finally:
            http.close()
        text = answer.body[: 4 * LIMIT].decode("utf-8", "replace")
        if _is_html(text):
            from console.integrations.runbooks.page import plain  # HTML's names of characters: 300 kB

            text = plain(text)
        return _bounded(text)


def _bounded(text: str) -> str:
    lines = "\n".join(safe(line, 2_000) for line in text[:LIMIT].splitlines())
    return f"{lines}\n\n(cut off here: it is longer)" if len(text) > LIMIT else lines


def _is_html(text: str) -> bool:
    return text.lstrip()[:200].lower().startswith(("<!doctype html", "<html"))
