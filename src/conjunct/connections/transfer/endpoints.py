"""Connections in bulk over HTTP."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fastapi import Request, Response

from conjunct.connections.endpoints import Connections
from conjunct.connections.transfer.exporting import exported
from conjunct.connections.transfer.importing import Importer
from conjunct.connections.transfer.schemas import ExportRequest, ImportRequest, ImportResult
from conjunct.core.http import DatabaseDep, Transaction, api_router
from conjunct.core.paging import LARGEST_SIZE, Page, Pager, PagerDep
from conjunct.tenants import ProjectId
from conjunct.tenants.audit import note_change

router = api_router(tags=["Connection"])

_COLLECTION = "/projects/{projectIdOrName}/connections"


@router.post(_COLLECTION + ":export", operation_id="exportConnections", response_model=list[dict[str, Any]])
async def export_connections(
    project_id: ProjectId,
    body: ExportRequest,
    request: Request,
    connections: Connections,
    transaction: Transaction,
    pager: PagerDep,
) -> Response:
    """The project's connections with all their credentials, oldest first. The audit log says who took them out."""
    pager = Pager(request, Page(pager.page.limit or LARGEST_SIZE, pager.page.after))
    items = await exported(
        connections,
        transaction,
        project_id,
        pager.page,
        body.format,
        provider=body.provider,
        group_ref=body.group_ref,
    )
    note_change(resource_kind="connection", format=body.format, exported=items.count)
    response = pager.answer(items)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.post(_COLLECTION + ":import", operation_id="importConnections", response_model=ImportResult)
async def import_connections(
    project_id: ProjectId, body: ImportRequest, connections: Connections, database: DatabaseDep
) -> ImportResult:
    """Bring connections in, from here or from elsewhere. Each entry is taken or refused for itself."""
    results = await Importer(database, connections, project_id, body).run()
    counts = Counter(each.status for each in results)
    note_change(resource_kind="connection", format=body.format, dryRun=body.dry_run, results=dict(counts))
    return ImportResult(
        dry_run=body.dry_run,
        created=counts["created"],
        replaced=counts["replaced"],
        skipped=counts["skipped"],
        failed=counts["failed"],
        results=results,
    )
