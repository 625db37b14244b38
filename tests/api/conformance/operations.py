"""Every operation of the four specifications, and how an answer to one is held against it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from tests.support.specification import specification

SURFACES = {"api.bundled": "/v1", "read": "/read/v1", "write": "/write/v1", "search": "/search/v1"}
"""Where the operations of each specification are answered."""

# A few operations have nothing for the errors that they do not name: any problem will do.
_ANY_PROBLEM = {"schema": {"type": "object", "required": ["type", "title", "status", "detail"]}}
_PROBLEM = {"content": {"application/problem+json": _ANY_PROBLEM, "application/json": _ANY_PROBLEM}}

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
        answers = self.operation["responses"]
        answer = answers.get(str(status)) or (answers.get("default", _PROBLEM) if status >= 400 else None)
        if answer is None:
            yield f"there is no answer {status} in the specification"
            return
        contents = answer.get("content")
        media_type = content_type.partition(";")[0]
        if contents is None:
            if body:
                yield f"{status} has no body in the specification"
        elif contents and media_type not in contents:
            yield f"{status} is {', '.join(contents)} in the specification, not {media_type}"
        elif contents and media_type.endswith("json"):
            yield from self._body_faults(contents[media_type]["schema"], body)

    def _body_faults(self, schema: dict[str, Any], body: bytes) -> Iterator[str]:
        document = specification(self.document) or {}
        whole = {**schema, "components": document.get("components", {})}
        for fault in OAS30Validator(whole, format_checker=oas30_format_checker).iter_errors(json.loads(body)):
            yield f"{fault.json_path}: {fault.message}"


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
