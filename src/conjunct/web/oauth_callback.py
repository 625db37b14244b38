"""Where providers send customers back to."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse

from conjunct.connections import Comeback, Flows, Links
from conjunct.core.http import DatabaseDep, api_router
from conjunct.core.problems import Problem
from conjunct.web import oauth_page
from conjunct.web.connect import back_to_link

LONGEST_PARAMETER = 8_192

log = structlog.get_logger(__name__)

router = api_router(tags=["OAuth"])

_Parameter = Annotated[str, Query()]


@router.get(
    "/callbacks/v1/oauth",
    operation_id="completeOAuth",
    response_class=HTMLResponse,
    responses={
        303: {"description": "The flow began on a hosted link, and ends there."},
        400: {
            "description": "The customer is not connected.",
            "content": {"application/problem+json": {}, "text/html": {}},  # the former for a NUL in the address
        },
        404: {"description": "What was to be connected is gone.", "content": {"text/html": {}}},
        422: {"description": "The customer's account cannot be connected.", "content": {"text/html": {}}},
        503: {"description": "The provider cannot be asked now.", "content": {"text/html": {}}},
    },
)
async def complete_oauth(
    request: Request,
    flows: Flows,
    links: Links,
    database: DatabaseDep,
    state: _Parameter = "",
    code: _Parameter = "",
    error: _Parameter = "",
    error_description: _Parameter = "",
) -> Response:
    """The page that ends an OAuth flow in the customer's browser. The state authenticates it."""
    # What is too long is none of ours or of any provider's; an empty state is unknown like any other.
    state, code = (text if len(text) <= LONGEST_PARAMETER else "" for text in (state, code))
    told = {name: text for name, text in request.query_params.items() if len(text) <= LONGEST_PARAMETER}
    set_out = await flows.set_out(state)
    try:
        connection_id = await flows.finish(Comeback(state, code, error, error_description, told))
    except Problem as problem:
        log.info("oauth.failed", type=problem.type)
        if set_out is not None:
            return await back_to_link(database, links, set_out, problem)
        return oauth_page.failed(problem.status, problem.detail, problem.remedy)
    if set_out is not None:
        return await back_to_link(database, links, set_out)
    return oauth_page.succeeded(connection_id)
