"""`flags:` of an environment: what reads and sets the share of traffic that a flag gives."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import urlsplit

from console.model.playbook import Program
from console.settings.nodes import Fields, Node
from console.settings.outside import CommandFlags, FlagSettings, HttpFlags, UnleashFlags
from console.settings.problems import shown
from console.settings.sources import SOURCE, read_source

TYPES = ("unleash", "http", "command")
FLAG, PERCENT = "{flag}", "{percent}"
METHODS = ("PUT", "POST", "PATCH")
_API = re.compile(r"/api(/admin)?$")
_PROGRAM_TIMEOUT = timedelta(seconds=10)
_TRIED = ("0", "12.5", "100")
"""Numbers that a body is tried with."""


def read_flags(node: Node) -> FlagSettings | None:
    """One provider, or none: then flags are set by hand."""
    if not node.present:
        return None
    given = node.open_mapping()["type"]
    kind = given.choice({name: name for name in TYPES})
    if given.tree.text != kind:
        return None
    if kind == "http":
        return _http(node.mapping("type", "percent", "write", *SOURCE))
    if kind == "command":
        return _command(node.mapping("type", "read", "write", "env", "interval", "timeout"))
    return _unleash(node.mapping("type", "project", "environment", *SOURCE))


def _unleash(fields: Fields) -> UnleashFlags:
    source = read_source("unleash", fields)
    if _API.search(urlsplit(source.url).path):
        fields["url"].refuse(f"{shown(source.url)}, the address of its API", "Unleash's own address, without /api")
    return UnleashFlags(
        source,
        fields["project"].text("the id of a project", default="default"),
        fields["environment"].text("the name of an environment in Unleash"),
    )


def _http(fields: Fields) -> HttpFlags:
    source = read_source("flags", fields)
    write = fields["write"].mapping("url", "method", "body")
    url = write["url"].url(default=source.url)
    for place, address in ((fields["url"], source.url), (write["url"], url)):
        if place.present and address and FLAG not in urlsplit(address).path:
            place.refuse("an address without {flag}", "one with {flag} in its path, in the place of the flag's name")
        if place.present and FLAG in urlsplit(address).netloc:
            place.refuse("{flag} in the name of the server", "{flag} in the path")
    if write["url"].present and urlsplit(url)[:2] != urlsplit(source.url)[:2]:
        write["url"].refuse("an address on another server", "the server of url: it gets the same credentials")
    return HttpFlags(
        source,
        _pointer(fields["percent"]),
        url,
        write["method"].choice({name: name for name in METHODS}, default="PUT"),
        _body(write["body"]),
    )


def _pointer(node: Node) -> str:
    expected = "a JSON pointer to the percentage, such as /rollout/percentage"
    text = node.exact(expected, empty=True)
    if text and (not text.startswith("/") or re.search(r"~(?![01])", text)):
        node.refuse(shown(text), expected)
    return text


def _body(node: Node) -> str:
    expected = 'JSON with {percent} in it once, such as {"rollout": {percent}}'
    text = node.exact(expected)
    if text and text.count(PERCENT) != 1:
        node.refuse(shown(text), expected)
    elif text:
        try:
            for number in _TRIED:
                json.loads(text.replace(PERCENT, number))
        except (ValueError, RecursionError):
            node.refuse(f"{shown(text)}, which is no JSON with a number in it", expected)
    return text


def _command(fields: Fields) -> CommandFlags:
    # Few consoles have one: the rules of a playbook's programs are not read before.
    from console.settings.playbook.steps import environment_name, program_name

    places = fields["env"].sequence("a list of names of environment variables", required=False)
    for place in places:
        environment_name(place.tree.text, place)
    timeout = fields["timeout"].duration(default=_PROGRAM_TIMEOUT)
    programs = []
    for key, needed in (("read", (FLAG,)), ("write", (FLAG, PERCENT))):
        items = fields[key].sequence("a program and its arguments, as a list", least=1)
        argv = tuple(item.exact("an argument", empty=True) for item in items)
        for item in items[:1]:
            program_name(item)
        for name in needed:
            if argv and not any(name in argument for argument in argv[1:]):
                fields[key].refuse(f"no {name} among the arguments", f"{name} where the program expects it")
        env = tuple(place.tree.text for place in places)
        programs.append(Program(argv, timeout=timeout, env=env))
    return CommandFlags(programs[0], programs[1], fields["interval"].duration(default=timedelta(seconds=15)), timeout)
