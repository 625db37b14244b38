"""Connections with all their credentials, to be taken elsewhere."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.credentials import StoredCredentials
from conjunct.connections.service import ConnectionService
from conjunct.connections.transfer import ampersand, nango
from conjunct.connections.transfer.formats import Format
from conjunct.core.paging import Items, Page

_WRITERS = {"ampersand": ampersand.written, "nango": nango.written}


async def exported(
    connections: ConnectionService,
    session: AsyncSession,
    project_id: str,
    page: Page,
    format_: Format,
    *,
    provider: str | None,
    group_ref: str | None,
) -> Items:
    """A page of the project's connections, oldest first, in that format, with their credentials."""
    items = await connections.list_page(session, project_id, page, provider=provider, group_ref=group_ref)
    listed: list[dict[str, Any]] = orjson.loads(items.json)
    opened: dict[str, StoredCredentials] = await connections.open_all(session, project_id, [c["id"] for c in listed])
    entries = [_WRITERS[format_](each, opened[each["id"]]) for each in listed if each["id"] in opened]
    return Items(orjson.dumps(entries).decode(), items.count, items.last)
