"""Flags that no other integration knows: a share behind an address (`HttpFlags`), or behind two programs
(`CommandFlags`)."""

from console.integrations.flags.command import CommandFlags as CommandFlags
from console.integrations.flags.over_http import HttpFlags as HttpFlags
