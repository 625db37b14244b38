"""What every endpoint shares: routers, bodies with limits, the request's transaction, and answers as bytes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.core.problems import InvalidRequest, Issue, Location

MAX_JSON_DEPTH = 64

_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


AnswerHook = Callable[[Response, AsyncSession | None], Awaitable[None]]
"""Hears of the answer that an endpoint gave, on the request's own transaction while it is still open; None if the
endpoint has its transactions for itself, which have ended then."""


class AnswerInstead(Exception):
    """Raised by a dependency that knows the answer, so that the endpoint is not called."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def on_answer(request: Request, hook: AnswerHook) -> None:
    """Have `hook` called when the endpoint has answered; not when it raised a problem."""
    if not hasattr(request.state, "answer_hooks"):
        request.state.answer_hooks = []
    request.state.answer_hooks.append(hook)


class _JsonRoute(APIRoute):
    """A route that parses its JSON body itself: fast, limited in depth, saying where it is broken."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_json = self.body_field is not None

        async def handle_json(request: Request) -> Response:
            _refuse_nul_in_address(request)
            if takes_json:
                body = await request.body()
                if body:
                    _require_json_type(request)
                    request._json = parse_json(body)  # noqa: SLF001 - where Starlette keeps a parsed body
            try:
                response = await handle(request)
            except AnswerInstead as instead:
                return instead.response
            for hook in getattr(request.state, "answer_hooks", ()):
                await hook(response, getattr(request.state, "session", None))
            return response

        return handle_json


def _require_json_type(request: Request) -> None:
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise InvalidRequest(
            f"The body's media type is {media_type!r}, but this operation takes JSON.",
            remedy="Send the header Content-Type: application/json.",
            issues=[Issue("Content-Type", "must be application/json", location="header", value=media_type)],
        )


def _refuse_nul_in_address(request: Request) -> None:
    if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise InvalidRequest(
            "The address holds a NUL character, which no name or id has.",
            issues=[Issue("", "holds a NUL character", location="path")],
        )


def api_router(**options: Any) -> APIRouter:
    """A router for a slice's endpoints."""
    return APIRouter(route_class=_JsonRoute, strict_content_type=False, **options)


def parse_json(body: bytes) -> Any:
    """Parse a JSON body.

    `InvalidRequest` says where it is broken, that it nests deeper than 64 levels, or that a text in it holds NUL,
    which Postgres cannot keep.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        issue = Issue("", f"This is not JSON: {error.msg}", line=error.lineno, column=error.colno)
        raise InvalidRequest(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            remedy="Send a JSON object with the header Content-Type: application/json.",
            issues=[issue],
        ) from None
    if _ESCAPED_NUL.search(body):
        raise InvalidRequest(
            "The body holds a NUL character (\\u0000), which cannot be kept.",
            remedy="Remove it from the text.",
            issues=[Issue("", "holds a NUL character")],
        )
    if body.count(b"[") + body.count(b"{") > MAX_JSON_DEPTH and _depth_exceeds(value, MAX_JSON_DEPTH):
        raise InvalidRequest(
            f"The body nests deeper than {MAX_JSON_DEPTH} levels.",
            remedy="Send a flatter JSON document.",
            issues=[Issue("", f"nests deeper than {MAX_JSON_DEPTH} levels")],
        )
    return value


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return any(isinstance(node, dict | list) for node in level)


async def database(request: Request) -> Database:
    """The process's database, for an endpoint that calls a provider between two transactions.

    Like every dependency, it is a coroutine: FastAPI runs plain functions in a thread, which costs more than they do.
    """
    found: Database = request.app.state.database
    return found


async def transaction(request: Request) -> AsyncIterator[AsyncSession]:
    """The request's transaction; it commits before the answer is sent, and rolls back on a problem."""
    opened: Database = request.app.state.database
    async with opened.transaction() as session:
        request.state.session = session
        yield session


DatabaseDep = Annotated[Database, Depends(database)]
Transaction = Annotated[AsyncSession, Depends(transaction, scope="function")]


def json_bytes(body: bytes | str | None, status: int = 200) -> Response:
    """An answer whose JSON was made by Postgres."""
    return Response(body or b"[]", status_code=status, media_type="application/json")


def in_utc(name: str, moment: datetime | None, location: Location = "query") -> datetime | None:
    """The moment of a parameter in UTC; `InvalidRequest` for one that has none there."""
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:
        issue = Issue(name, "is beyond the years that there are", location=location)
        raise InvalidRequest("The moment cannot be told in UTC.", issues=[issue]) from None


def problems_as_text(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """As `problems_as_json`, for those that are sent as one line of `text/plain`."""
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {status: {"description": "What is wrong, in one line.", "content": content} for status in statuses}


def problems_as_json(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of operations whose problems of these statuses are sent as plain `application/json`.

    So the API specification has it for a few operations, where all others send `application/problem+json`. What an
    operation documents is what it sends: see `problem_responses`.
    """
    content = {"application/json": {"schema": {"type": "object", "title": "Problem"}}}
    return {status: {"description": "A problem.", "content": content} for status in statuses}
