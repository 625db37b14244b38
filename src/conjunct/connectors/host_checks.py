"""Whose hosts a definition's URLs may lead to: never to one that a customer, or an answer, can name freely.

A base URL may be the customer's own server: what goes there is theirs. A URL that is given secrets of the builder's
(`guarded`: where customers agree, and where codes and refresh tokens are exchanged) may not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from conjunct.connectors.check_parts import Fault, Path
from conjunct.connectors.definition import Definition, Input

_FOREIGN = (
    *("evil.example", "evil-example.com", "a.evil.example.net", "127.0.0.1", "localhost", "evil.example:8080"),
    *("https://evil.example", "https://evil-example.com/api", "http://127.0.0.1"),
)
_IN_HOSTS = ("subdomain", "host")


def check_host(
    definition: Definition, path: Path, text: str, *, guarded: bool = False, known: frozenset[str] = frozenset()
) -> Iterator[Fault]:
    """Faults of a URL's host. An input is part of it only if its kind says so; `known` are variables of ours."""
    inputs = {each.name: each for each in definition.inputs}
    whole = re.match(r"\{(\w+)\}(/|$)", text)
    if whole and whole[1] in inputs and inputs[whole[1]].kind == "url":
        yield from _free(path, inputs[whole[1]], guarded=guarded)
        return
    host = re.match(r"https?://([^/?#]*)", text)
    if host is None:
        yield Fault(path, "it begins with https://, or is a {variable} of an input of kind url")
        return
    if guarded and text.startswith("http:"):
        yield Fault(path, "secrets go there: it begins with https://")
    for name in re.findall(r"\{(\w+)", host[1]):
        each = inputs.get(name)
        if each is None:
            if name in known:
                yield Fault(path, f"'{name}' is a secret or a value of its own, and never part of a host")
            continue
        if each.kind not in _IN_HOSTS:
            yield Fault(path, f"the input '{name}' is part of the host: its kind must be subdomain")
        elif each.kind == "host" and host[1] != f"{{{name}}}":
            yield Fault(path, f"the input '{name}' is a whole host: as a part of one, its kind must be subdomain")
    last = re.search(r"\{(\w+)[^{}]*\}$", host[1])
    if last is not None and last[1] in inputs:
        yield from _last(path, inputs[last[1]], guarded=guarded)


def check_extra_host(definition: Definition, path: Path, text: str) -> Iterator[Fault]:
    """Faults of another host of the provider's."""
    if "/" in text or "@" in text:
        yield Fault(path, "a host has no scheme, user or path")
    else:
        yield from check_host(definition, path, f"https://{text}")


def pins(pattern: str | None) -> bool:
    """Whether only hosts of the provider's have this pattern, as far as one can tell by trying others."""
    try:
        return pattern is not None and not any(re.fullmatch(pattern, host) for host in _FOREIGN)
    except re.error:
        return True  # a fault of its own


def _last(path: Path, each: Input, *, guarded: bool) -> Iterator[Fault]:
    """Faults of an input with which a host ends."""
    if each.kind == "subdomain" and not pins(each.pattern):
        yield Fault(
            path,
            "the host ends in an input: the customer could name any host; use an input of kind url or host, or give "
            f"'{each.name}' a pattern that only the provider's hosts have",
        )
    elif each.kind == "host":
        yield from _free(path, each, guarded=guarded)


def _free(path: Path, each: Input, *, guarded: bool) -> Iterator[Fault]:
    """Faults of an input that is a whole host."""
    if pins(each.pattern):
        return
    if guarded:
        yield Fault(
            path,
            f"the builder's secrets go there: give '{each.name}' a pattern that only the provider's hosts have",
        )
    elif each.source != "customer":
        yield Fault(path, f"'{each.name}' is told by others: give it a pattern that only the provider's hosts have")
