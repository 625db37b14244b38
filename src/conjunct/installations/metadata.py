"""What a customer's objects are made of, asked of the provider on their behalf."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Depends, Path, Query, Request, Response

from conjunct.connections import ConnectionService
from conjunct.connectors import Connector, ProviderError
from conjunct.core.http import DatabaseDep, api_router, json_bytes
from conjunct.installations.endpoints import Installations, IntegrationId
from conjunct.installations.problems import NoConnection
from conjunct.installations.provider_problems import provider_problem
from conjunct.installations.schemas import ObjectMetadata
from conjunct.manifests import find_read_object
from conjunct.tenants import CallerDep, FrontendProjectId

router = api_router(tags=["Objects & Fields"])


async def _connections(request: Request) -> ConnectionService:
    service: ConnectionService = request.app.state.connections
    return service


async def _group(
    caller: CallerDep,
    group_ref: Annotated[str, Query(alias="groupRef", description="The group whose connection is used.")],
) -> str:
    """The group that is asked about; `Forbidden` when the caller is confined to another."""
    caller.confine(group_ref)
    return group_ref


Connections = Annotated[ConnectionService, Depends(_connections)]
GroupRef = Annotated[str, Depends(_group)]
Provider = Annotated[str, Path(description="The provider's name.")]
ObjectName = Annotated[str, Path(alias="objectName", description="The provider's name of the object.")]
ExcludeReadOnly = Annotated[
    bool, Query(alias="excludeReadOnly", description="Whether fields that cannot be written are left out.")
]


@router.get(
    "/projects/{projectIdOrName}/providers/{provider}/objects/{objectName}/metadata",
    operation_id="getObjectMetadataForConnection",
    response_model=ObjectMetadata,
)
async def get_object_metadata_for_connection(
    project_id: FrontendProjectId,
    provider: Provider,
    object_name: ObjectName,
    group_ref: GroupRef,
    connections: Connections,
    database: DatabaseDep,
    exclude_read_only: ExcludeReadOnly = False,
) -> Response:
    """An object's fields, as the group's newest connection to the provider shows them."""
    async with database.transaction() as session:
        connection = await connections.default_for_group(session, project_id, group_ref, provider)
        if connection is None:
            raise NoConnection(
                f"The group {group_ref!r} has no connection to {provider!r}.", remedy="Let the group connect first."
            )
        connector = await connections.connector(session, project_id, connection.id)
    return json_bytes(orjson.dumps(await _describe(connector, object_name, exclude_read_only=exclude_read_only)))


@router.get(
    "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{objectName}/metadata",
    operation_id="getObjectMetadataForInstallation",
    response_model=ObjectMetadata,
)
async def get_object_metadata_for_installation(
    project_id: FrontendProjectId,
    integration: IntegrationId,
    object_name: ObjectName,
    group_ref: GroupRef,
    installations: Installations,
    connections: Connections,
    database: DatabaseDep,
    exclude_read_only: ExcludeReadOnly = False,
) -> Response:
    """An object's fields, as the group's installation shows them; the object's mapped name is understood too."""
    async with database.transaction() as session:
        state = await installations.require_by_group(session, project_id, integration, group_ref)
        connector = await connections.connector(session, project_id, state.connection_id, module=state.module)
    declared = find_read_object(state.integration, object_name)
    native = declared.object_name if declared else object_name
    described = await _describe(connector, native, exclude_read_only=exclude_read_only)
    if declared and declared.map_to_name:
        described["mappedObjectName"] = declared.map_to_name
    return json_bytes(orjson.dumps(described))


async def _describe(connector: Connector, object_name: str, *, exclude_read_only: bool) -> dict[str, Any]:
    """The specification's `ObjectMetadata`; raises what `provider_problem` gives."""
    try:
        described = (await connector.describe(object_name)).to_wire()
    except ProviderError as error:
        raise provider_problem(error, doing="describe it") from None
    if exclude_read_only:
        fields = described["fields"]
        described["fields"] = {name: each for name, each in fields.items() if not each.get("readOnly")}
    return described
