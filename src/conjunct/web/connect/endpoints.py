"""The pages over HTTP. The token in the address is the only authority, as for whoever holds the link.

There is no cookie, so that no other site can act for a visitor: to send the form one has to know its address. Forms
that browsers say come from elsewhere are refused all the same.
"""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from conjunct.connections import Connections, ConnectLink, ConnectLinkOver, CustomAuth, Flows, Links, way_of
from conjunct.connectors import Definition
from conjunct.core.http import DatabaseDep, api_router
from conjunct.core.problems import Forbidden, InvalidRequest, Problem
from conjunct.tenants.audit import unaudited
from conjunct.web.connect import views
from conjunct.web.connect.fields import fields_of
from conjunct.web.connect.forms import missing, read_form
from conjunct.web.connect.layout import PRIVATE
from conjunct.web.connect.submitting import Sent, Services, begin_steps, connect, set_out

log = structlog.get_logger(__name__)

router = api_router(include_in_schema=False)


async def _services(
    database: DatabaseDep, connections: Connections, links: Links, flows: Flows, steps: CustomAuth
) -> Services:
    return Services(database, connections, links, flows, steps)


ServicesDep = Annotated[Services, Depends(_services)]
Chosen = Annotated[str | None, Query(alias="provider")]
Result = Annotated[str | None, Query()]


@router.get("/connect/{token}", operation_id="showConnectLink")
async def show(token: str, services: ServicesDep, provider: Chosen = None, result: Result = None) -> Response:
    """The page of a link: what to choose, what to type, or that it is done. It changes nothing."""
    try:
        link = await _open(services, token)
        if link.is_used:
            return views.done(link, just_now=result == "connected")
        definition = await _chosen(services, link, provider)
    except Problem as problem:
        return views.refused(problem)
    if definition is None:
        return views.choice(link, [await _definition(services, link, name) for name in link.providers])
    return views.form(link, definition, fields_of(definition))


@router.post("/connect/{token}", operation_id="submitConnectLink")
@unaudited  # what connects is written where it does
async def submit(request: Request, token: str, services: ServicesDep, provider: Chosen = None) -> Response:
    """Send the form: connected, on the way to the provider, or the form again with its faults."""
    try:
        _refuse_other_sites(request)
        values = await read_form(request)
        link = await _open(services, token)
        if link.is_used:
            return _see(token)
        definition = await _chosen(services, link, provider)
    except Problem as problem:
        return views.refused(problem)
    if definition is None:
        return _see(token)
    return await _connect(services, Sent(link, token, definition, fields_of(definition), values))


async def _connect(services: Services, sent: Sent) -> Response:
    try:
        if issues := missing(sent.fields, sent.values):
            raise InvalidRequest("Something is missing.", issues=issues)
        url: str | None = None
        match way_of(sent.definition.auth):
            case "browser":
                url = await set_out(services, sent)
            case "steps":
                url = await begin_steps(services, sent)
            case _:
                await connect(services, sent)
    except ConnectLinkOver:
        return _see(sent.token)  # another window was faster
    except Problem as problem:
        log.info("connect_link.failed", link=sent.link.id, type=problem.type)
        return views.form(sent.link, sent.definition, sent.fields, values=sent.values, problem=problem)
    if url is not None:
        return views.leaving(sent.definition, url)
    return _see(f"{sent.token}?result=connected")


async def _open(services: Services, token: str) -> ConnectLink:
    async with services.database.reading() as reading:
        return await services.links.open(reading, token)


async def _chosen(services: Services, link: ConnectLink, provider: str | None) -> Definition | None:
    """The provider that the page is for; None while there are several to choose from."""
    if len(link.providers) == 1:
        return await _definition(services, link, link.providers[0])
    return await _definition(services, link, provider) if provider in link.providers else None


async def _definition(services: Services, link: ConnectLink, provider: str) -> Definition:
    async with services.database.reading() as reading:
        return await services.connections.definition(reading, link.project_id, provider)


def _refuse_other_sites(request: Request) -> None:
    # Not by `Origin`: browsers send "null" there, as our pages tell nobody where they are.
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("This form was sent from another site.", remedy="Open the link again, and send its form.")


def _see(place: str) -> RedirectResponse:
    """Go on with a GET, so that sending nothing twice is all that a reload does. Relative to the link's address."""
    return RedirectResponse(place, 303, headers=PRIVATE)
