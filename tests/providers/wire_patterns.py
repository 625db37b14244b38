"""A definition's requests the other way round: is what came over the wire one of them, and with which values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from conjunct.connectors.definition_base import Request
from tests.connectors.scripted import Received

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_SIGNS = ("$each", "$merge", "$list")


@dataclass(frozen=True)
class Match:
    """The values of a request's variables, as far as they can be told; a higher `score` is a closer likeness."""

    values: Mapping[str, Any]
    score: int


@dataclass(frozen=True)
class Pattern:
    """A request of a definition. `known` are variables whose values are the same in all of a test.

    `is_open`: there may be parameters that it does not name.
    """

    request: Request
    known: Mapping[str, Any]
    is_open: bool = False

    def match(self, received: Received) -> Match | None:
        """What a request over the wire has in common with this one, or None when it is another."""
        if received.method != (self.request.method or "GET"):
            return None
        values: dict[str, Any] = {}
        told = {name: text for name, text in self.request.headers.items() if name in received.headers}
        if any(self._text(text, received.headers[name], values) is None for name, text in told.items()):
            return None
        path = self.request.path or "/"
        actual = received.path if path.startswith(("/", "{")) else received.path.lstrip("/")
        score = self._text(path, actual, values, whole=r"[^/]+?")
        query = self._mapping(self.request.query, received.query, values)
        body: int | None = 0
        if self.request.body is not None and self.request.encode in ("form", "brackets"):
            names = {name.partition("[")[0] for name, _ in parse_qsl(received.body.decode())}
            body = 0 if self.is_open or names <= self.request.body.keys() else None
        elif self.request.body is not None:
            body = self._value(self.request.body, orjson.loads(received.body or b"{}"), values)
        elif received.body:
            return None
        if score is None or query is None or body is None:
            return None
        return Match(values, score * 100 + query + body)

    def _value(self, template: Any, actual: Any, values: dict[str, Any]) -> int | None:
        if isinstance(template, str):
            alone = re.fullmatch(r"\{([A-Za-z_]\w*)\}", template)
            if alone and alone[1] not in self.known:
                values[alone[1]] = actual
                return 1
            return self._text(template, actual, values) if isinstance(actual, str | int) else None
        if isinstance(template, list):
            for each in actual if isinstance(actual, list) else ():
                for item in template:
                    told: dict[str, Any] = {}
                    if self._value(item, each, told) is not None:
                        values |= told
            return 1
        if isinstance(template, dict):
            if "$literal" in template:
                return 2 if template["$literal"] == actual else None
            if any(sign in template for sign in _SIGNS) or not isinstance(actual, dict):
                return 0 if any(sign in template for sign in _SIGNS) else None
            return self._mapping(template, actual, values)
        return 2 if template == actual or str(template).lower() == actual else None

    def _mapping(self, template: Mapping[str, Any], actual: Mapping[str, Any], values: dict[str, Any]) -> int | None:
        if not self.is_open and not any("{" in key for key in template) and not actual.keys() <= template.keys():
            return None
        score = 0
        for key, each in template.items():
            is_constant = not isinstance(each, dict | list) and "{" not in str(each)
            if key not in actual:
                if is_constant and each is not None and "{" not in key:
                    return None
                continue
            likeness = self._value(each, actual[key], values)
            if likeness is None:
                return None
            score += likeness
        return score

    def _text(self, template: str, actual: Any, values: dict[str, Any], whole: str = ".*?") -> int | None:
        """How many characters are alike, or None."""
        pattern, position, alike, seen = "", 0, 0, set[str]()
        for token in _TOKEN.finditer(template):
            literal = template[position : token.start()]
            position = token.end()
            pattern, alike = pattern + re.escape(literal), alike + len(literal)
            name, *pipes = (token[1] or "").split("|")
            if token[1] is None:
                pattern += re.escape(token[0][0])
            elif name in self.known and not pipes:
                pattern, alike = pattern + re.escape(str(self.known[name])), alike + 1
            elif name in seen or name in self.known:
                pattern += whole
            else:
                seen.add(name)
                pattern += f"(?P<{name}>{whole})"
        alike += len(template) - position
        found = re.fullmatch(pattern + re.escape(template[position:]), str(actual), re.DOTALL)
        if found is None:
            return None
        values |= found.groupdict()
        for name in re.findall(r"\{(\w+)\|next\}", template):
            values[name] = int(values[name]) - 1
        return alike + 1
