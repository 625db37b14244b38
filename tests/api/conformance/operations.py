"""Every operation of the four specifications, and how an answer to one is held against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.specification import answer_faults, specification

SURFACES = {"api.bundled": "/v1", "read": "/read/v1", "write": "/write/v1", "search": "/search/v1"}
"""Where the operations of each specification are answered."""

_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Specified:
    """An operation of a specification. `path` is the whole path, with the names of its parameters in braces."""

    name: str
    document: str
    method: str
    path: str
    operation: dict[str, Any] = field(repr=False)

    @property
    def is_public(self) -> bool:
        """Whether it needs no credential."""
        return self.operation.get("security") == []

    def faults(self, response: httpx.Response) -> Iterator[str]:
        """In what the answer is not as specified: its status, its media type, its body."""
        content_type = response.headers.get("content-type", "")
        return self.faults_of(response.status_code, content_type, response.content)

    def faults_of(self, status: int, content_type: str, body: bytes) -> Iterator[str]:
        """As `faults`, for an answer in parts."""
        document = specification(self.document) or {}
        return answer_faults(document, self.operation, status, content_type, body)


def specified_operations() -> dict[str, Specified]:
    """All operations of all specifications, by their names, which are different everywhere."""
    found: dict[str, Specified] = {}
    for document, prefix in SURFACES.items():
        for path, methods in (specification(document) or {"paths": {}})["paths"].items():
            for method in _METHODS:
                if (operation := methods.get(method)) is not None:
                    name = operation["operationId"]
                    found[name] = Specified(name, document, method.upper(), prefix + path, operation)
    return found
