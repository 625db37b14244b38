"""The API specification as a test: every answer that a checked client receives must keep to it.

The specification stands beside the checkout, in `../shared/spec`, or where `CONJUNCT_SHARED_DIR` says. Without it
nothing is checked; each package has a test that calls `require_specification` and then shows up as skipped, saying so.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

_SHARED = Path(os.environ.get("CONJUNCT_SHARED_DIR") or Path(__file__).parents[3] / "shared")


@cache
def specification(name: str = "api.bundled") -> dict[str, Any] | None:
    """The document of this name, or None where the specification is absent."""
    file = _SHARED / "spec" / f"{name}.json"
    return _leniently(json.loads(file.read_text())) if file.is_file() else None


def _leniently(node: Any) -> Any:
    """The document with `oneOf` read as `anyOf`: a field with both its own and a mapped name fits two alternatives."""
    if isinstance(node, dict):
        return {"anyOf" if key == "oneOf" else key: _leniently(value) for key, value in node.items()}
    return [_leniently(value) for value in node] if isinstance(node, list) else node


def require_specification() -> None:
    """Skip the test, loudly, where the specification is absent."""
    if specification() is None:
        pytest.skip(f"NOT CHECKED AGAINST THE API SPECIFICATION: there is none in {_SHARED / 'spec'}")


def checked(client: httpx.AsyncClient, name: str = "api.bundled", prefix: str = "/v1") -> httpx.AsyncClient:
    """The client, failing at any answer of a specified operation that the specification does not allow."""

    async def check(response: httpx.Response) -> None:
        await response.aread()
        assert_specified(response, name, prefix)

    client.event_hooks["response"].append(check)
    return client


def assert_specified(response: httpx.Response, name: str = "api.bundled", prefix: str = "/v1") -> None:
    """The answer has a status, media type and shape that the specification has for its operation, if it has that."""
    document = specification(name)
    operation = _operation(name, response.request.method, response.request.url.path.removeprefix(prefix))
    if document is None or operation is None:
        return
    faults = answer_faults(
        document, operation, response.status_code, response.headers.get("content-type", ""), response.content
    )
    told = "\n".join(faults)
    assert not told, f"{operation['operationId']} is not as specified:\n{told}\n{response.text}"


def answer_faults(
    document: dict[str, Any], operation: dict[str, Any], status: int, content_type: str, body: bytes
) -> Iterator[str]:
    """In what an answer is not as the document has it for the operation: its status, its media type, its body."""
    answers = operation["responses"]
    answer = answers.get(str(status)) or (answers.get("default", _PROBLEM) if status >= 400 else None)
    if status == 304:
        answer = {}
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
        schema = {**contents[media_type]["schema"], "components": document.get("components", {})}
        for fault in OAS30Validator(schema, format_checker=oas30_format_checker).iter_errors(json.loads(body)):
            yield f"{fault.json_path}: {fault.message}"


# A few operations have nothing for the errors that they do not name. They are problems as everywhere else, in the media
# type of the errors that the operation does name.
_A_PROBLEM = {"schema": {"$ref": "#/components/schemas/ApiProblem"}}
_PROBLEM = {"content": {"application/problem+json": _A_PROBLEM, "application/json": _A_PROBLEM}}


def _operation(name: str, method: str, path: str) -> dict[str, Any] | None:
    for template, operations in _paths(name):
        if template.fullmatch(path) and method.lower() in operations:
            found: dict[str, Any] = operations[method.lower()]
            return found
    return None


@cache
def _paths(name: str) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """The operations by the shape of their paths; those with the most fixed text first."""
    paths = (specification(name) or {"paths": {}})["paths"]
    by_fixed_text = sorted(paths, key=lambda path: len(re.sub(r"{\w+}", "", path)), reverse=True)
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), paths[path]) for path in by_fixed_text]
