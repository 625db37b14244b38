"""How changes made over HTTP get into the audit log.

Every operation that succeeds leaves one entry, unless it only reads: a GET, or one that is `unaudited`. Where the
request has one transaction (`core.http.Transaction`), the entry is written on it, so that there is neither a change
without its entry nor an entry without its change. An endpoint with transactions of its own calls `record_change` in
the one that makes the change, to the same effect; if it does not, the entry is written right after it has answered.
A request that is refused writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.http import on_answer
from conjunct.tenants.audit.description import answered_id, detail_of, resource_of, safe_parameters
from conjunct.tenants.audit.entries import ANONYMOUS, Entry
from conjunct.tenants.audit.service import AuditLog, add_entry
from conjunct.tenants.caller import Caller

E = TypeVar("E", bound=Callable[..., Any])

_ONLY_READING = ("GET", "HEAD", "OPTIONS")
_MARK = "__conjunct_unaudited__"


class _Recording:
    """The entry of one request, while it comes about."""

    def __init__(self, log: AuditLog, request: Request) -> None:
        self._log = log
        self._request = request
        self._noted: dict[str, str | None] = {}
        self._detail: dict[str, Any] = {}
        self._is_recorded = False

    def note(self, detail: dict[str, Any], **values: str | None) -> None:
        self._noted |= {name: value for name, value in values.items() if value is not None}
        self._detail |= detail

    async def record(self, session: AsyncSession | None, response: Response | None = None) -> None:
        """Write the entry, once; on the session, or without one in a transaction of its own."""
        if self._is_recorded:
            return
        self._is_recorded = True
        entry = await self._entry(response)
        if session is None:
            await self._log.add_alone(entry)
        else:
            await add_entry(session, entry)

    async def _entry(self, response: Response | None) -> Entry:
        request = self._request
        route = request.scope["route"]
        caller: Caller | None = getattr(request.state, "caller", None)
        kind, named_id = resource_of(route.path, safe_parameters(request))
        values = {
            "actor": caller.actor if caller else ANONYMOUS,
            "action": route.operation_id or route.name,
            "resource_kind": kind,
            "resource_id": self._answered_id(response, named_id) or named_id,
            "project_id": getattr(request.state, "project_id", None) or (caller.project_id if caller else None),
            "org_id": (caller.org_id if caller else None) or request.path_params.get("orgId"),
            "request_id": getattr(request.state, "request_id", None),
        }
        return Entry(**{**values, **self._noted}, detail={**await detail_of(request), **self._detail})

    def _answered_id(self, response: Response | None, named_id: str | None) -> str | None:
        """The id in the answer, where that shows what the path is about, which may be named there by its name."""
        shows_it = named_id is None or self._request.method in ("PATCH", "PUT")
        return answered_id(response) if response is not None and shows_it else None


_current: ContextVar[_Recording | None] = ContextVar("audited request", default=None)


async def audited(request: Request) -> None:
    """What every request passes: see to it that a change leaves its entry."""
    recording = _Recording(request.app.state.audit_log, request)
    _current.set(recording)
    endpoint = request.scope.get("endpoint")
    if request.method in _ONLY_READING or getattr(endpoint, _MARK, False):
        return

    async def record(response: Response, session: AsyncSession | None) -> None:
        if response.status_code < 400:
            await recording.record(session, response)

    on_answer(request, record)


def unaudited(endpoint: E) -> E:
    """Mark an endpoint that changes nothing although it is no GET, or that leaves records of its own."""
    setattr(endpoint, _MARK, True)
    return endpoint


def note_change(
    *,
    actor: str | None = None,
    resource_kind: str | None = None,
    resource_id: str | None = None,
    project_id: str | None = None,
    org_id: str | None = None,
    **detail: Any,
) -> None:
    """Say more of the change that the request makes, or better than its path says it; nothing secret.

    Outside a request it does nothing.
    """
    recording = _current.get()
    if recording is not None:
        recording.note(
            detail,
            actor=actor,
            resource_kind=resource_kind,
            resource_id=resource_id,
            project_id=project_id,
            org_id=org_id,
        )


async def record_change(session: AsyncSession) -> None:
    """Write the request's entry now, on the transaction that makes the change; outside a request, do nothing.

    For endpoints with transactions of their own, and for a GET that changes something.
    """
    recording = _current.get()
    if recording is not None:
        await recording.record(session)
