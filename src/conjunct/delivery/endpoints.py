"""Destinations over HTTP, and the download of payloads."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Depends, Path, Query, Request, Response

from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import Items, PagerDep
from conjunct.delivery.schemas import CreateDestination, Destination, DestinationWithSecrets, UpdateDestination
from conjunct.delivery.service import DeliveryService
from conjunct.tenants import ProjectId
from conjunct.tenants.audit import note_change, record_change

router = api_router(tags=["Destination"])
payload_router = api_router(tags=["Payload"])


async def delivery(request: Request) -> DeliveryService:
    """The process's delivery service."""
    found: DeliveryService = request.app.state.delivery
    return found


Delivery = Annotated[DeliveryService, Depends(delivery)]
NameOrId = Annotated[str, Path(alias="destination", description="The destination's name or id.")]


@router.post(
    "/projects/{projectIdOrName}/destinations",
    operation_id="createDestination",
    status_code=201,
    response_model=Destination,
)
async def create_destination(
    project_id: ProjectId, given: CreateDestination, service: Delivery, database: DatabaseDep
) -> Response:
    """Create a destination."""
    contents = await service.destinations.check_new(given)
    async with database.transaction() as session:
        shown = await service.destinations.create(session, project_id, given.name, given.type, contents)
        note_change(resource_id=shown["id"], name=given.name)
        await record_change(session)
    return _answer(shown, 201)


@router.get(
    "/projects/{projectIdOrName}/destinations", operation_id="listDestinations", response_model=list[Destination]
)
async def list_destinations(
    project_id: ProjectId, service: Delivery, session: Transaction, pager: PagerDep
) -> Response:
    """List destinations, the oldest first."""
    found = await service.destinations.list(session, project_id, pager.page)
    return pager.answer(Items(orjson.dumps(found).decode(), len(found), found[-1]["id"] if found else None))


@router.get(
    "/projects/{projectIdOrName}/destinations/{destination}",
    operation_id="getDestination",
    response_model=DestinationWithSecrets,
)
async def get_destination(
    project_id: ProjectId,
    destination: NameOrId,
    service: Delivery,
    session: Transaction,
    include_secrets: Annotated[bool, Query(alias="includeSecrets")] = False,
    rotate: Annotated[bool, Query(description="Make a new signing key; the old one stays valid for 24 hours.")] = False,
) -> Response:
    """Get a destination, with its secrets if wanted."""
    shown = await service.destinations.show(session, project_id, destination, secrets=include_secrets, rotate=rotate)
    if rotate:
        note_change(resource_id=shown["id"])
        await record_change(session)
    return _answer(shown)


@router.patch(
    "/projects/{projectIdOrName}/destinations/{destination}",
    operation_id="updateDestination",
    response_model=Destination,
)
async def update_destination(
    project_id: ProjectId, destination: NameOrId, given: UpdateDestination, service: Delivery, database: DatabaseDep
) -> Response:
    """Update the fields of a destination that the mask names."""
    destinations = service.destinations
    async with database.transaction() as session:
        type_name, metadata, changes = await destinations.check_changes(
            session, project_id, destination, given.update_mask, given.destination
        )
    if changes.metadata:
        await destinations.check_metadata(type_name, metadata)
    async with database.transaction() as session:
        shown = await destinations.change(session, project_id, destination, changes)
        note_change(resource_id=shown["id"])
        await record_change(session)
    return _answer(shown)


@router.delete(
    "/projects/{projectIdOrName}/destinations/{destination}", operation_id="deleteDestination", status_code=204
)
async def delete_destination(
    project_id: ProjectId, destination: NameOrId, service: Delivery, session: Transaction
) -> Response:
    """Delete a destination and the messages that wait for it."""
    await service.destinations.remove(session, project_id, destination)
    return Response(status_code=204)


@payload_router.get("/payloads/{payloadId}", operation_id="downloadPayload")
async def download_payload(
    service: Delivery,
    payload_id: Annotated[str, Path(alias="payloadId")],
    expires: Annotated[str, Query(max_length=20)] = "",
    signature: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Download a result that was too large for its message. The link authenticates itself."""
    content = await service.payloads.download(payload_id, expires, signature)
    return Response(content, media_type="application/json", headers={"Cache-Control": "private, no-store"})


def _answer(shown: Any, status: int = 200) -> Response:
    return json_bytes(orjson.dumps(shown), status)
