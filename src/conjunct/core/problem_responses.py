"""How a problem becomes an HTTP answer: one place for all of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from conjunct.core.database import is_away
from conjunct.core.problems import InvalidRequest, Issue, Location, NotFound, Problem, Unavailable

MEDIA_TYPE = "application/problem+json"
PLAIN_TEXT = "text/plain"
_LOCATIONS: dict[object, Location] = {"path": "path", "query": "query", "header": "header"}
_MAX_SHOWN_VALUE = 200
_SECRET_NAME = re.compile("key|secret|password|token|credential|auth|session|callback", re.IGNORECASE)
_NO_DOCUMENT = re.compile("(dict|model|list|mapping)[a-z_]*_type")

log = structlog.get_logger(__name__)


class MethodNotAllowed(Problem):
    """The path is known, the method is not one of its own."""

    status: ClassVar[int] = 405
    slug = "method-not-allowed"
    title = "This method is not allowed here"


def install_problem_handlers(app: FastAPI) -> None:
    """Make `app` answer every error as a problem, in `application/problem+json` unless the operation says otherwise."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(DBAPIError, _on_database_error)
    app.add_exception_handler(PoolTimeout, _on_database_error)
    app.add_exception_handler(OSError, _on_database_error)
    app.add_exception_handler(asyncpg.InternalClientError, _on_database_error)
    app.add_exception_handler(Exception, _on_unexpected)


def render(problem: Problem, *, request_id: str | None, path: str | None = None) -> bytes:
    """The body of the answer to a request."""
    wire = problem.to_wire()
    wire["time"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    wire["subsystem"] = "api"
    if request_id:
        wire["requestId"] = request_id
        wire["instance"] = f"urn:uuid:{request_id}"
    if path:
        wire["context"] = {**wire.get("context", {}), "path": path}
    return orjson.dumps(wire, default=str)


def as_line(problem: Problem) -> str:
    """The problem as one line of text: every fault, where there are some."""
    faults = [f"{issue.name}: {issue.detail}" if issue.name else issue.detail for issue in problem.issues]
    return " ".join(("; ".join(faults) or problem.detail).split())


def _answer(request: Request, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    request_id = request.scope.get("state", {}).get("request_id")
    headers = dict(headers or {})
    if problem.retry_after is not None:
        seconds = max(0, round((problem.retry_after - datetime.now(UTC)).total_seconds()))
        headers["Retry-After"] = str(seconds)
    media_type = _media_type(request, problem.status)
    if media_type == PLAIN_TEXT:
        return Response(as_line(problem), problem.status, headers, media_type)
    return Response(render(problem, request_id=request_id), problem.status, headers, media_type)


def _media_type(request: Request, status: int) -> str:
    """What the operation documents for a problem of this status, if anything, else what RFC 9457 says."""
    documented = getattr(request.scope.get("route"), "responses", {}).get(status, {}).get("content", {})
    return MEDIA_TYPE if MEDIA_TYPE in documented else next(iter(documented), MEDIA_TYPE)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - the handler is registered for this class
    if error.status >= 500:
        log.warning("request.problem", type=error.type, detail=error.detail)
    return _answer(request, error)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    issues = [_issue(fault) for fault in error.errors()]
    names = ", ".join(issue.name or issue.location for issue in issues)
    return _answer(request, InvalidRequest(f"The request is not valid: {names}.", issues=issues))


def _issue(fault: dict[str, Any]) -> Issue:
    where, *rest = fault["loc"]
    name = ".".join(str(part) for part in rest)
    value = fault.get("input")
    shown = value if isinstance(value, bool | int | float) or _is_short_text(value) else None
    # A text where a document should be is one that was encoded twice, perhaps, with all that is in it.
    if _SECRET_NAME.search(name) or _NO_DOCUMENT.fullmatch(fault["type"]):
        shown = None
    return Issue(
        name=name,
        detail=str(fault["msg"]),
        location=_LOCATIONS.get(where, "body"),
        value=shown,
    )


def _is_short_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_SHOWN_VALUE


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    path = request.url.path
    problem: Problem
    if error.status_code == 404:
        problem = NotFound(f"There is nothing at {path}.", remedy="Check the path against the API reference.")
    elif error.status_code == 405:
        problem = MethodNotAllowed(f"{request.method} is not allowed at {path}.", remedy="Check the method.")
    else:
        problem = InvalidRequest(str(error.detail))
    return _answer(request, problem, dict(error.headers or {}))


async def _on_database_error(request: Request, error: Exception) -> Response:
    problem = unavailable(error)
    if problem is None:
        return await _on_unexpected(request, error)
    log.warning("database.unavailable", error=type(error).__name__)
    return _answer(request, problem)


async def _on_unexpected(request: Request, error: Exception) -> Response:
    log.error("request.failed", exc_info=error, path=request.url.path, method=request.method)
    return _answer(
        request,
        Problem("An unexpected error happened while the request was handled; nothing was changed.", retryable=True),
    )


def unavailable(error: Exception) -> Unavailable | None:
    """The problem for an error that says that the database does not answer; None for any other error."""
    if is_away(error):
        return Unavailable("The database does not answer right now.", remedy="Try again in a moment.", retryable=True)
    return None
