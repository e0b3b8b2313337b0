"""Consoles that held something and are no more: what they were called in the record says whose they were, and where."""

from __future__ import annotations

import os

from console.bootstrap.common import login


def gone(holder: str) -> bool:
    """Whether a console was a process of this host that is no more."""
    name, _, pid = holder.rpartition(":")
    if not pid.isdecimal() or name.partition("@")[2] != os.uname().nodename.partition(".")[0]:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def left_by_us(holder: str) -> bool:
    """Whether a console was one of this user, on this host, and is no more."""
    return holder.partition("@")[0] == login() and gone(holder)
