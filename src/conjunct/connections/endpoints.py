"""Connections over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from conjunct.connections.problems import ConnectionNotFound
from conjunct.connections.refreshing import Refresh
from conjunct.connections.schemas import Connection, GenerateConnectionRequest, UpdateConnectionRequest
from conjunct.connections.service import ConnectionService
from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.tenants import CallerDep, FrontendProjectId

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
    transaction: Transaction,
) -> Response:
    """Make a connection from credentials that you have."""
    caller.confine(body.group_ref)
    caller.confine_consumer(body.consumer_ref)
    connection_id = await connections.generate(transaction, project_id, body)
    return json_bytes(await connections.get_json(transaction, project_id, connection_id), 201)


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
        await connections.ensure_fresh(database, project_id, connection_id, refresh)
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
    transaction: Transaction,
) -> Response:
    """Replace credentials, or what is known of the customer's account."""
    await connections.update(transaction, project_id, connection_id, body)
    return json_bytes(await connections.get_json(transaction, project_id, connection_id))


@router.delete(_ONE, operation_id="deleteConnection", status_code=204)
async def delete_connection(
    project_id: FrontendProjectId, connection_id: ConnectionId, connections: Connections, transaction: Transaction
) -> None:
    """Delete a connection and forget its credentials."""
    await connections.delete(transaction, project_id, connection_id)
