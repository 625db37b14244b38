"""The API specification, for tests that hold answers against it.

It stands beside the checkout, in `../shared/spec`, or where `CONJUNCT_SHARED_DIR` says. Where it is missing,
`assert_specified` passes everything; each package's conformance test calls `require_specification` and so shows up
as skipped, with the reason.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

_SHARED = Path(os.environ.get("CONJUNCT_SHARED_DIR") or Path(__file__).parents[3] / "shared")


def require_specification() -> None:
    """Skip the test, saying why, where the specification is missing."""
    if not _SHARED.joinpath("spec").is_dir():
        pytest.skip(f"NOT CHECKED against the API specification: there is none in {_SHARED / 'spec'}")


def assert_specified(response: httpx.Response, operation_id: str, document: str = "api.bundled") -> None:
    """The answer has the media type and the shape that the specification's operation gives its status."""
    if not _SHARED.joinpath("spec").is_dir():
        return
    contents = _answers(document, operation_id, response.status_code)
    if not contents:
        assert response.content == b"", f"{operation_id} answers {response.status_code} without a body"
        return
    media_type = response.headers["content-type"].partition(";")[0]
    assert media_type in contents, f"{operation_id} answers {response.status_code} as {', '.join(contents)}"
    if media_type.endswith("json"):
        schema = {**contents[media_type]["schema"], "components": _read(document).get("components", {})}
        faults = list(OAS30Validator(schema, format_checker=oas30_format_checker).iter_errors(response.json()))
        assert not faults, "\n".join(f"{fault.json_path}: {fault.message}" for fault in faults)


def _answers(document: str, operation_id: str, status: int) -> dict[str, Any]:
    """The specified bodies by media type; the default answer stands for statuses that are not named."""
    operation = _operations(document)[operation_id]
    answers = operation["responses"]
    answer = answers.get(str(status))
    if answer is None:
        assert status >= 400, f"{operation_id} has no answer {status}"
        answer = answers["default"]
    contents: dict[str, Any] = answer.get("content", {})
    return contents


@cache
def _operations(document: str) -> dict[str, Any]:
    return {
        operation["operationId"]: operation
        for path in _read(document)["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    }


@cache
def _read(document: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_SHARED.joinpath("spec", f"{document}.json").read_text())
    return found
