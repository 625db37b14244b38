"""What sending a form does, for each way of connecting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from conjunct.connections import (
    ConnectionService,
    ConnectLink,
    ConnectLinkService,
    ConnectRequest,
    CustomAuthFlows,
    GenerateConnectionRequest,
    LinkUse,
    OAuthFlows,
    SentOn,
)
from conjunct.connections.custom_auth.state import Start
from conjunct.connections.schemas import MetadataEntry
from conjunct.connectors import Definition
from conjunct.core.database import Database
from conjunct.tenants.audit import note_change, record_change
from conjunct.web.connect.fields import WORKSPACE, Field
from conjunct.web.connect.forms import request_of


@dataclass(frozen=True, slots=True)
class Services:
    """What the ways of connecting stand on."""

    database: Database
    connections: ConnectionService
    links: ConnectLinkService
    flows: OAuthFlows
    steps: CustomAuthFlows


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent by the holder of a link."""

    link: ConnectLink
    token: str = field(repr=False)
    definition: Definition
    fields: Sequence[Field]
    values: Mapping[str, str] = field(repr=False)


async def connect(services: Services, sent: Sent) -> None:
    """Connect with the credentials of the form, and use the link up.

    Raises what `ConnectionService.prove` and `add` do, and `ConnectLinkOver`, `ConnectLinkNotFound`.
    """
    request = request_of(GenerateConnectionRequest, sent.fields, sent.values, **_whose(sent))
    link = sent.link
    async with services.database.transaction() as session:
        await services.links.hold(session, link.project_id, link.id)
    ready = await services.connections.prove(link.project_id, request, provider_app_id=link.provider_app_id)
    async with services.database.transaction() as session:
        await services.links.hold(session, link.project_id, link.id)
        connection_id = await services.connections.add(session, link.project_id, ready)
        await services.links.use_up(session, link.project_id, link.id, connection_id)
        note_change(
            actor=f"consumer:{link.consumer_ref}",
            project_id=link.project_id,
            resource_kind="connection",
            resource_id=connection_id,
            connectLinkId=link.id,
        )
        await record_change(session)


async def set_out(services: Services, sent: Sent) -> str:
    """Begin an OAuth flow that ends at the link; the URL to send the customer to.

    Raises what `OAuthFlows.begin` does, and `ConnectLinkOver`, `ConnectLinkNotFound`.
    """
    link = sent.link
    request = request_of(ConnectRequest, sent.fields, sent.values, providerAppId=link.provider_app_id, **_whose(sent))
    async with services.database.transaction() as session:
        await services.links.hold(session, link.project_id, link.id)
        await services.links.note_failure(session, link.project_id, link.id, None)
        url = await services.flows.begin(session, link.project_id, request, link=LinkUse(link.id, sent.token))
        note_change(actor=f"consumer:{link.consumer_ref}", connectLinkId=link.id)
        await record_change(session)
    return url


async def begin_steps(services: Services, sent: Sent) -> str | None:
    """Begin an authentication of several steps that ends at the link; the URL to send the customer to, or None if they
    are connected already.

    Raises what `CustomAuthFlows.begin` does.
    """
    link = sent.link
    request = request_of(GenerateConnectionRequest, sent.fields, sent.values, **_whose(sent))
    metadata = dict(request.provider_metadata or {})
    if request.provider_workspace_ref is not None:
        metadata[WORKSPACE] = MetadataEntry(value=request.provider_workspace_ref, source="input")
    start = Start(
        provider=request.provider,
        group_ref=link.group_ref,
        group_name=link.group_name,
        consumer_ref=link.consumer_ref,
        consumer_name=link.consumer_name,
        metadata=metadata,
        provider_app_id=link.provider_app_id,
        values=request.custom_auth or {},
        link=LinkUse(link.id, sent.token),
    )
    async with services.database.transaction() as session:
        await services.links.note_failure(session, link.project_id, link.id, None)
    outcome = await services.steps.begin(link.project_id, start)
    return outcome.url if isinstance(outcome, SentOn) else None


def _whose(sent: Sent) -> dict[str, str | None]:
    link = sent.link
    return {
        "provider": sent.definition.name,
        "groupRef": link.group_ref,
        "groupName": link.group_name,
        "consumerRef": link.consumer_ref,
        "consumerName": link.consumer_name,
    }
