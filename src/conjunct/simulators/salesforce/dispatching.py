"""Requests within requests: finds the route that one of them means, and answers it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce import errors
from conjunct.simulators.salesforce.errors import SalesforceError

_PLACEHOLDER = re.compile(r"\{(\w+)(?::([^}]+))?\}")


class Dispatcher:
    """Answers a method, a URL and a body as a request of their own would be answered."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [(route.method, _pattern(route.path), route.handler) for route in routes]

    def answer(self, outer: Call, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer; a refusal is an answer too."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return errors.not_found().answer()
        query: dict[str, str] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query.setdefault(name, value)
        path = parts.path.rstrip("/")
        try:
            for known, pattern, handler in self._routes:
                match = pattern.fullmatch(path)
                if known == method and match is not None:
                    params = {name: unquote(value) for name, value in match.groupdict().items()}
                    return handler(Call(method, path, params, query, headers, body, outer.origin))
            raise errors.not_found()
        except SalesforceError as fault:
            return fault.answer()


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PLACEHOLDER.sub(lambda match: f"(?P<{match[1]}>{match[2] or '[^/]+'})", path))
