"""Custom fields over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request

from conjunct.connections import ConnectionService
from conjunct.connectors import Connector
from conjunct.core.http import DatabaseDep, api_router
from conjunct.installations.endpoints import Installations, IntegrationId
from conjunct.installations.fields.schemas import UpsertMetadata, UpsertMetadataResult
from conjunct.installations.fields.service import Wanted, upsert_fields
from conjunct.installations.hydration import Hydrator
from conjunct.installations.problems import NoConnection
from conjunct.manifests import find_read_object, find_write_object
from conjunct.tenants import ProjectId

router = api_router(tags=["Objects & Fields"])


async def _connections(request: Request) -> ConnectionService:
    service: ConnectionService = request.app.state.connections
    return service


async def _hydrator(request: Request) -> Hydrator:
    hydrator: Hydrator = request.app.state.hydrator
    return hydrator


Connections = Annotated[ConnectionService, Depends(_connections)]
HydratorDep = Annotated[Hydrator, Depends(_hydrator)]


@router.put(
    "/projects/{projectIdOrName}/providers/{provider}/object-metadata",
    operation_id="upsertMetadataForConnection",
    response_model=UpsertMetadataResult,
    response_model_exclude_none=True,
)
async def upsert_metadata_for_connection(
    project_id: ProjectId,
    provider: Annotated[str, Path(description="The provider's name.")],
    body: UpsertMetadata,
    connections: Connections,
    hydrator: HydratorDep,
    database: DatabaseDep,
) -> UpsertMetadataResult:
    """Create or change fields through the group's newest connection to the provider."""
    async with database.transaction() as session:
        connection = await connections.default_for_group(session, project_id, body.group_ref, provider)
        if connection is None:
            raise NoConnection(
                f"The group {body.group_ref!r} has no connection to {provider!r}.",
                remedy="Let the group connect first.",
            )
        connector = await connections.connector(session, project_id, connection.id)
    objects = [Wanted(name, name, fields) for name, fields in body.fields.items()]
    return await _upsert(connector, objects, hydrator, connection.id)


@router.put(
    "/projects/{projectIdOrName}/integrations/{integrationId}/object-metadata",
    operation_id="upsertMetadataForInstallation",
    response_model=UpsertMetadataResult,
    response_model_exclude_none=True,
)
async def upsert_metadata_for_installation(
    project_id: ProjectId,
    integration: IntegrationId,
    body: UpsertMetadata,
    installations: Installations,
    connections: Connections,
    hydrator: HydratorDep,
    database: DatabaseDep,
) -> UpsertMetadataResult:
    """Create or change fields through the group's installation; mapped names of objects are understood too."""
    async with database.transaction() as session:
        state = await installations.require_by_group(session, project_id, integration, body.group_ref)
        connector = await connections.connector(session, project_id, state.connection_id, module=state.module)
    objects = []
    for name, fields in body.fields.items():
        declared = find_read_object(state.integration, name) or find_write_object(state.integration, name)
        objects.append(Wanted(name, declared.object_name if declared else name, fields))
    return await _upsert(connector, objects, hydrator, state.connection_id)


async def _upsert(
    connector: Connector, objects: list[Wanted], hydrator: Hydrator, connection_id: str
) -> UpsertMetadataResult:
    try:
        return await upsert_fields(connector, objects)
    finally:
        # Even after a failure: the provider may have done what it did not answer for.
        hydrator.forget(connection_id)
