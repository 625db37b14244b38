"""Deliveries over HTTP."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import Body, Depends, Path, Query, Response
from pydantic import AwareDatetime

from conjunct.core.http import Transaction, api_router, in_utc, json_bytes
from conjunct.core.paging import BoundedPagerDep
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.delivery.deliveries.listing import Filters, Status
from conjunct.delivery.deliveries.schemas import (
    Delivery,
    DeliveryWithAttempts,
    DestinationHealth,
    DisableDestination,
    RecoverDeliveries,
    RecoveryStarted,
)
from conjunct.delivery.endpoints import Delivery as DeliveryDep
from conjunct.delivery.endpoints import NameOrId
from conjunct.tenants import ProjectId

router = api_router(tags=["Delivery"])

_DESTINATION = "/projects/{projectIdOrName}/destinations/{destination}"
_Text = Annotated[str | None, Query(max_length=200)]

MessageId = Annotated[str, Path(alias="messageId", description="The message's id, as in the header `svix-id`.")]


async def _filters(
    status: Annotated[Status | None, Query(description="Only those of this status.")] = None,
    operation_id: Annotated[_Text, Query(alias="operationId", description="Only messages of this operation.")] = None,
    message_id: Annotated[_Text, Query(alias="messageId", description="Only this message.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Only those handed over from this moment on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Only those handed over before this moment.")] = None,
) -> Filters:
    return Filters(status, operation_id, message_id, in_utc("since", since), in_utc("until", until))


FiltersDep = Annotated[Filters, Depends(_filters)]


@router.get(_DESTINATION + "/deliveries", operation_id="listDeliveries", response_model=list[Delivery])
async def list_deliveries(
    project_id: ProjectId,
    destination: NameOrId,
    service: DeliveryDep,
    session: Transaction,
    filters: FiltersDep,
    pager: BoundedPagerDep,
) -> Response:
    """Every message that was handed over for the destination and what became of it, newest first.

    A page holds 100 unless `pageSize` says otherwise.
    """
    return pager.answer(await service.deliveries.page(session, project_id, destination, pager.page, filters))


@router.get(_DESTINATION + "/deliveries/{messageId}", operation_id="getDelivery", response_model=DeliveryWithAttempts)
async def get_delivery(
    project_id: ProjectId, destination: NameOrId, message_id: MessageId, service: DeliveryDep, session: Transaction
) -> Response:
    """A delivery with its attempts."""
    return json_bytes(await service.deliveries.get(session, project_id, destination, message_id))


@router.get(_DESTINATION + "/health", operation_id="getDestinationHealth", response_model=DestinationHealth)
async def get_destination_health(
    project_id: ProjectId, destination: NameOrId, service: DeliveryDep, session: Transaction
) -> Response:
    """How the destination does: its state, what waits for it, and how its last hour went."""
    return json_bytes(await service.deliveries.vitals(session, project_id, destination))


@router.post(_DESTINATION + ":disable", operation_id="disableDestination", response_model=DestinationHealth)
async def disable_destination(
    project_id: ProjectId,
    destination: NameOrId,
    service: DeliveryDep,
    session: Transaction,
    body: Annotated[DisableDestination | None, Body()] = None,
) -> Response:
    """Send nothing to the destination until it is enabled. Its reads wait; other messages are set aside for 14 days."""
    note = body.note if body else None
    return json_bytes(await service.deliveries.disable(session, project_id, destination, note))


@router.post(_DESTINATION + ":enable", operation_id="enableDestination", response_model=DestinationHealth)
async def enable_destination(
    project_id: ProjectId, destination: NameOrId, service: DeliveryDep, session: Transaction
) -> Response:
    """Send to the destination again, what was set aside as well. What was given up waits to be recovered."""
    return json_bytes(await service.deliveries.enable(session, project_id, destination))


@router.post(
    _DESTINATION + "/deliveries:recover",
    operation_id="recoverDeliveries",
    status_code=202,
    response_model=RecoveryStarted,
)
async def recover_deliveries(
    project_id: ProjectId,
    destination: NameOrId,
    service: DeliveryDep,
    session: Transaction,
    body: Annotated[RecoverDeliveries | None, Body()] = None,
) -> Response:
    """Try again, in the background, all that was given up or set aside and is still kept.

    Messages keep their ids and bodies, and begin their schedule anew. A disabled destination is enabled.
    """
    body = body or RecoverDeliveries()
    since, until = in_utc("since", body.since, "body"), in_utc("until", body.until, "body")
    if since and until and since >= until:
        raise InvalidRequest(
            "Nothing lies between these moments.", issues=[Issue("until", "must be later than `since`")]
        )
    recovery_id, messages = await service.deliveries.recover(session, project_id, destination, since, until)
    return json_bytes(orjson.dumps({"id": recovery_id, "messages": messages}), 202)


@router.post(
    _DESTINATION + "/deliveries/{messageId}:replay",
    operation_id="replayDelivery",
    status_code=202,
    response_model=DeliveryWithAttempts,
)
async def replay_delivery(
    project_id: ProjectId, destination: NameOrId, message_id: MessageId, service: DeliveryDep, session: Transaction
) -> Response:
    """Send one message again now, under its id: one that waits or was given up, or was delivered and is kept."""
    return json_bytes(await service.deliveries.replay(session, project_id, destination, message_id), 202)
