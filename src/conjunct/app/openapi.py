"""The OpenAPI document of the API: what FastAPI makes of the endpoints, and what all operations have in common."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from conjunct.core.problem_responses import MEDIA_TYPE
from conjunct.tenants.idempotency import HEADER, LONGEST_KEY

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What happened, where, and how to mend it (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "retryable", "time", "subsystem", "requestId"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Names the kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What happened this time."},
        "instance": {"type": "string", "format": "uri"},
        "remedy": {"type": "string", "description": "How to mend it."},
        "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
        "retryAfter": {"type": "string", "format": "date-time"},
        "causes": {"type": "array", "items": {"type": "string"}},
        "context": {"type": "object", "additionalProperties": True},
        "time": {"type": "string", "format": "date-time"},
        "subsystem": {"type": "string"},
        "requestId": {"type": "string"},
        "issues": {
            "type": "array",
            "description": "All faults of the request at once.",
            "items": {
                "type": "object",
                "required": ["in", "name", "detail"],
                "properties": {
                    "in": {"type": "string", "enum": ["body", "header", "path", "query"]},
                    "name": {"type": "string"},
                    "detail": {"type": "string"},
                    "value": {"description": "What was given, unless it may be secret."},
                    "remedy": {"type": "string"},
                    "context": {"type": "object", "additionalProperties": True},
                },
            },
        },
    },
}
_IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A fresh text, such as a UUID: a repeat of the request with it gets the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
}
_API = re.compile(r"(/(read|write|search))?/v1/")
_METHODS = ("get", "put", "post", "patch", "delete")


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for path, methods in document["paths"].items():
            for method in methods.keys() & set(_METHODS):
                _complete(methods[method], method, api=_API.match(path) is not None)
        schemas = document["components"]["schemas"]
        schemas["Problem"] = _PROBLEM_SCHEMA
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema


def _complete(operation: dict[str, Any], method: str, *, api: bool) -> None:
    responses = operation["responses"]
    # FastAPI tells of its own answer to bad input, which is a problem here like any other.
    if responses.get("422", {}).get("description") == "Validation Error":
        del responses["422"]
    if not api:
        return
    responses["default"] = {"description": "A problem.", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    if method == "post":
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
