"""Connections over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from conjunct.connections.deletion import DeletionPlan
from conjunct.connections.problems import ConnectionNotFound
from conjunct.connections.refreshing import Refresh
from conjunct.connections.schemas import Connection, GenerateConnectionRequest, UpdateConnectionRequest
from conjunct.connections.service import ConnectionService
from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.tenants import CallerDep, FrontendProjectId
from conjunct.tenants.audit import unaudited

router = api_router(tags=["Connection"])

_COLLECTION = "/projects/{projectIdOrName}/connections"
_ONE = _COLLECTION + "/{connectionId}"


async def _service(request: Request) -> ConnectionService:
    service: ConnectionService = request.app.state.connections
    return service


Connections = Annotated[ConnectionService, Depends(_service)]


async def _visible(
    caller: CallerDep,
    connections: Connections,
    database: DatabaseDep,
    connection_id: Annotated[str, Path(alias="connectionId", description="The connection's id.")],
) -> str:
    """The id in the path; of a caller who is confined to a group, only if the connection is that group's."""
    if caller.group_ref is not None:
        async with database.reading() as reading:
            if not await connections.is_of_group(reading, caller.require_project(), connection_id, caller.group_ref):
                raise ConnectionNotFound(connection_id)
    return connection_id


ConnectionId = Annotated[str, Depends(_visible)]
ProviderFilter = Annotated[str | None, Query(description="Only those of this provider.")]
GroupFilter = Annotated[str | None, Query(alias="groupRef", description="Only those of this group.")]
ConsumerFilter = Annotated[str | None, Query(alias="consumerRef", description="Only those of this consumer.")]
IncludeCreds = Annotated[
    bool,
    Query(alias="includeCreds", description="Show the API key, or the access token and its scopes. Scope: full."),
]
IncludeRefreshToken = Annotated[
    bool, Query(alias="includeRefreshToken", description="Show the refresh token too. Scope: full.")
]
Revoke = Annotated[
    bool,
    Query(description="Whether the provider is told that the grant is over, where that can be done."),
]


@router.get(_COLLECTION, operation_id="listConnections", response_model=list[Connection])
async def list_connections(
    caller: CallerDep,
    project_id: FrontendProjectId,
    connections: Connections,
    database: DatabaseDep,
    pager: PagerDep,
    provider: ProviderFilter = None,
    group_ref: GroupFilter = None,
    consumer_ref: ConsumerFilter = None,
) -> Response:
    """The project's connections, oldest first, without credentials."""
    async with database.reading() as reading:
        found = await connections.list_page(
            reading,
            project_id,
            pager.page,
            provider=provider,
            group_ref=caller.confine(group_ref),
            consumer_ref=consumer_ref,
        )
    return pager.answer(found)


@router.post(_COLLECTION + ":generate", operation_id="generateConnection", response_model=Connection, status_code=201)
async def generate_connection(
    caller: CallerDep,
    project_id: FrontendProjectId,
    body: GenerateConnectionRequest,
    connections: Connections,
    database: DatabaseDep,
) -> Response:
    """Make a connection from credentials that you have. The provider is asked whether they are good."""
    caller.confine(body.group_ref)
    caller.confine_consumer(body.consumer_ref)
    connection_id = await connections.generate(project_id, body)
    async with database.reading() as reading:
        return json_bytes(await connections.get_json(reading, project_id, connection_id), 201)


@router.get(_ONE, operation_id="getConnection", response_model=Connection)
async def get_connection(
    caller: CallerDep,
    project_id: FrontendProjectId,
    connection_id: ConnectionId,
    connections: Connections,
    database: DatabaseDep,
    include_creds: IncludeCreds = False,
    include_refresh_token: IncludeRefreshToken = False,
    refresh: Refresh | None = None,
) -> Response:
    """One connection; with its credentials, where they are asked for and the API key has the scope `full`."""
    with_credentials = include_creds or include_refresh_token
    if with_credentials:
        caller.require("full")
    if refresh is not None:
        await connections.ensure_fresh(project_id, connection_id, refresh)
    if not with_credentials:
        async with database.reading() as reading:
            return json_bytes(await connections.get_json(reading, project_id, connection_id))
    async with database.transaction() as session:
        return json_bytes(
            await connections.get_json_with_credentials(
                session, project_id, connection_id, refresh_token=include_refresh_token
            )
        )


@router.patch(_ONE, operation_id="updateConnection", response_model=Connection)
async def update_connection(
    project_id: FrontendProjectId,
    connection_id: ConnectionId,
    body: UpdateConnectionRequest,
    connections: Connections,
    database: DatabaseDep,
) -> Response:
    """Replace credentials, once the provider accepts the new ones, or what is known of the customer's account."""
    await connections.update(project_id, connection_id, body)
    async with database.reading() as reading:
        return json_bytes(await connections.get_json(reading, project_id, connection_id))


@router.post(_ONE + ":check", operation_id="checkConnection", response_model=Connection)
@unaudited
async def check_connection(
    project_id: FrontendProjectId, connection_id: ConnectionId, connections: Connections, database: DatabaseDep
) -> Response:
    """Ask the provider whether it accepts the connection's credentials; its status says what came of it."""
    await connections.check(project_id, connection_id)
    async with database.reading() as reading:
        return json_bytes(await connections.get_json(reading, project_id, connection_id))


@router.get(_ONE + "/deletion-plan", operation_id="getConnectionDeletionPlan", response_model=DeletionPlan)
async def get_connection_deletion_plan(
    project_id: FrontendProjectId, connection_id: ConnectionId, connections: Connections, transaction: Transaction
) -> DeletionPlan:
    """What deleting a connection would stop. Nothing is changed."""
    return await connections.plan_deletion(transaction, project_id, connection_id)


@router.delete(_ONE, operation_id="deleteConnection", status_code=204)
async def delete_connection(
    project_id: FrontendProjectId,
    connection_id: ConnectionId,
    connections: Connections,
    transaction: Transaction,
    revoke: Revoke = True,
) -> None:
    """Delete a connection, its installations and its credentials, and have the provider end the grant."""
    await connections.delete(transaction, project_id, connection_id, revoke=revoke)
