"""What has been done for an installation, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from conjunct.core.http import Transaction, api_router, json_bytes
from conjunct.installations.endpoints import InstallationId, Installations, IntegrationId
from conjunct.operations import OperationPage, Operations
from conjunct.tenants import ProjectId

router = api_router(tags=["Operation"])


@router.get(
    "/projects/{projectIdOrName}/integrations/{integrationId}/installations/{installationId}/operations",
    operation_id="listOperations",
    response_model=OperationPage,
)
async def list_operations(
    project_id: ProjectId,
    integration: IntegrationId,
    installation_id: InstallationId,
    installations: Installations,
    operations: Operations,
    session: Transaction,
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=1000)] = 200,
    page_token: Annotated[str | None, Query(alias="pageToken")] = None,
) -> Response:
    """The installation's operations, newest first, a page at a time."""
    await installations.require(session, project_id, integration, installation_id)
    page = await operations.list_page(session, project_id, installation_id, size=page_size, token=page_token)
    return json_bytes(page)
