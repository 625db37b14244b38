"""The path of a request that is passed through: whether it means just what it says, and what of it is allowed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from conjunct.actions.proxy.problems import ProxyNotAllowed, ProxyPathRefused
from conjunct.manifests import ProxyRule

_PLAIN = re.compile(rb"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_PLAIN_QUERY = re.compile(rb"[!-~]*")
_ENCODING = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SEPARATORS = re.compile(rb"%(?:2[fF]|5[cC])")
_DOTS = re.compile(rb"[/\\]\.{1,2}(?:[/\\]|$)")
_MOST_DECODINGS = 4


@dataclass(frozen=True, slots=True)
class Target:
    """A path and a query as they came, which mean what they say."""

    path: str
    query: str

    @property
    def segments(self) -> tuple[str, ...]:
        """Those of the path, decoded once."""
        return tuple(unquote_to_bytes(each).decode("utf-8", "replace") for each in self.path[1:].split("/"))

    def below(self, base_url: str) -> str:
        """The URL at the provider."""
        return f"{base_url}{self.path}?{self.query}" if self.query else base_url + self.path


def read_target(raw_path: bytes, query: bytes, *, encoded_slashes: bool) -> Target:
    """The target of a request. Raises `ProxyPathRefused`.

    A path that a server could read in two ways is refused: with `.` or `..` as a segment, however it is encoded, with
    backslashes, and, unless they are allowed, with encoded slashes. So none leads out of the base URL, or past a rule.
    """
    if _PLAIN.fullmatch(raw_path) is None or _ENCODING.search(raw_path):
        raise _refused("has characters that must be percent-encoded, or a % without two digits")
    if _PLAIN_QUERY.fullmatch(query) is None:
        raise ProxyPathRefused("The query has characters that must be percent-encoded.", remedy="Encode them.")
    if _SEPARATORS.search(raw_path) and (not encoded_slashes or b"%5" in raw_path):
        raise _refused(
            "has an encoded slash or backslash",
            remedy="Set `proxy.encodedSlashes: allow` in the manifest where the provider needs %2F in its paths.",
        )
    if _has_dots(raw_path):
        raise _refused("has a segment . or .., perhaps encoded")
    return Target(raw_path.decode("ascii"), query.decode("ascii"))


def require_allowed(rules: Sequence[ProxyRule] | None, method: str, target: Target) -> None:
    """Raise `ProxyNotAllowed` unless one of the rules lists the request; without rules, all are allowed."""
    if rules is None or any(_lists(rule, method, target.segments) for rule in rules):
        return
    raise ProxyNotAllowed(
        f"The integration does not list {method} {target.path} among what may be asked.",
        remedy="Add it to `proxy.allow` in the manifest, and deploy it.",
    )


def _lists(rule: ProxyRule, method: str, segments: tuple[str, ...]) -> bool:
    if rule.methods is not None and method not in rule.methods:
        return False
    return _matches(tuple(rule.path[1:].split("/")), segments)


def _matches(pattern: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    """Whether the segments are those of the pattern, in which `*` is any one, and `**` at its end any number."""
    if pattern[-1] == "**":
        pattern, segments = pattern[:-1], segments[: len(pattern) - 1]
    return len(pattern) == len(segments) and all(
        wanted in ("*", found) for wanted, found in zip(pattern, segments, strict=True)
    )


def _has_dots(raw_path: bytes) -> bool:
    """Whether a segment is `.` or `..`, or becomes one when the path is decoded, even more than once."""
    for _ in range(_MOST_DECODINGS):
        if _DOTS.search(raw_path):
            return True
        if b"%" not in raw_path:
            return False
        raw_path = unquote_to_bytes(raw_path)
    return True


def _refused(what: str, remedy: str = "Ask for the path itself, in its plain spelling.") -> ProxyPathRefused:
    return ProxyPathRefused(f"The path {what}, so that servers may read it in different ways.", remedy=remedy)
