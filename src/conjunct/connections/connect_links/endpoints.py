"""Hosted links over HTTP. The pages behind them: `conjunct.web.connect`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from conjunct.connections.connect_links.schemas import ConnectLink, CreateConnectLink, NewConnectLink
from conjunct.connections.connect_links.service import ConnectLinkService
from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.tenants import CallerDep, FrontendProjectId, ProjectId

router = api_router(tags=["Connection"])

_COLLECTION = "/projects/{projectIdOrName}/connect-links"
_ONE = _COLLECTION + "/{connectLinkId}"


async def _service(request: Request) -> ConnectLinkService:
    service: ConnectLinkService = request.app.state.connect_links
    return service


Links = Annotated[ConnectLinkService, Depends(_service)]
LinkId = Annotated[str, Path(alias="connectLinkId", description="The link's id.")]


@router.post(_COLLECTION, operation_id="createConnectLink", response_model=NewConnectLink, status_code=201)
async def create_connect_link(
    caller: CallerDep, project_id: FrontendProjectId, body: CreateConnectLink, links: Links, transaction: Transaction
) -> Response:
    """Make a link that walks a customer through connecting a provider, on a page that is served here."""
    caller.confine(body.group_ref)
    caller.confine_consumer(body.consumer_ref)
    if body.return_url is not None:
        # Only the builder says where people are sent from here: a customer could send others anywhere.
        caller.require("full")
    return json_bytes(await links.create(transaction, project_id, body), 201)


@router.get(_COLLECTION, operation_id="listConnectLinks", response_model=list[ConnectLink])
async def list_connect_links(
    project_id: ProjectId,
    links: Links,
    database: DatabaseDep,
    pager: PagerDep,
    group_ref: Annotated[str | None, Query(alias="groupRef", description="Only those for this group.")] = None,
) -> Response:
    """The project's links, oldest first, without their URLs; those that ended over 30 days ago are forgotten."""
    async with database.reading() as reading:
        return pager.answer(await links.list_page(reading, project_id, pager.page, group_ref=group_ref))


@router.get(_ONE, operation_id="getConnectLink", response_model=ConnectLink)
async def get_connect_link(project_id: ProjectId, link_id: LinkId, links: Links, database: DatabaseDep) -> Response:
    """One link, with what has become of it."""
    async with database.reading() as reading:
        return json_bytes(await links.get_json(reading, project_id, link_id))


@router.delete(_ONE, operation_id="deleteConnectLink", status_code=204)
async def delete_connect_link(project_id: ProjectId, link_id: LinkId, links: Links, transaction: Transaction) -> None:
    """Revoke a link: its page opens no more. What was connected by it stays."""
    await links.revoke(transaction, project_id, link_id)
