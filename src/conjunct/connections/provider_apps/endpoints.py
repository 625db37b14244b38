"""Provider apps over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from conjunct.connections.endpoints import Connections
from conjunct.connections.provider_apps.schemas import CreateProviderApp, ProviderApp, UpdateProviderApp
from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.tenants import FrontendProjectId, ProjectId

router = api_router(tags=["Provider App"])

_COLLECTION = "/projects/{projectIdOrName}/provider-apps"
_ONE = _COLLECTION + "/{providerAppId}"

ProviderAppId = Annotated[str, Path(alias="providerAppId", description="The provider app's id.")]


@router.get(_COLLECTION, operation_id="listProviderApps", response_model=list[ProviderApp])
async def list_provider_apps(
    project_id: FrontendProjectId, connections: Connections, database: DatabaseDep, pager: PagerDep
) -> Response:
    """The project's provider apps, oldest first, without their secrets."""
    # They belong to the project and to no group, so that a customer's token sees them too: the UI looks for them.
    async with database.reading() as reading:
        return pager.answer(await connections.provider_apps.list_page(reading, project_id, pager.page))


@router.post(_COLLECTION, operation_id="createProviderApp", response_model=ProviderApp)
async def create_provider_app(
    project_id: ProjectId, body: CreateProviderApp, connections: Connections, transaction: Transaction
) -> Response:
    """Register an OAuth client of yours at a provider."""
    app_id = await connections.provider_apps.create(transaction, project_id, body)
    return json_bytes(await connections.provider_apps.get_json(transaction, project_id, app_id))


@router.patch(_ONE, operation_id="updateProviderApp", response_model=ProviderApp)
async def update_provider_app(
    project_id: ProjectId,
    provider_app_id: ProviderAppId,
    body: UpdateProviderApp,
    connections: Connections,
    transaction: Transaction,
) -> Response:
    """Change what the update mask names, such as a new client secret."""
    await connections.provider_apps.update(transaction, project_id, provider_app_id, body)
    return json_bytes(await connections.provider_apps.get_json(transaction, project_id, provider_app_id))


@router.delete(_ONE, operation_id="deleteProviderApp", status_code=204)
async def delete_provider_app(
    project_id: ProjectId, provider_app_id: ProviderAppId, connections: Connections, transaction: Transaction
) -> None:
    """Delete a provider app that no connection uses."""
    await connections.provider_apps.delete(transaction, project_id, provider_app_id)
