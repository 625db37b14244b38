"""Where providers send customers back to."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import Query
from fastapi.responses import HTMLResponse

from conjunct.connections import Comeback, Flows
from conjunct.core.http import api_router
from conjunct.core.problems import Problem
from conjunct.web import oauth_page

LONGEST_PARAMETER = 8_192

log = structlog.get_logger(__name__)

router = api_router(tags=["OAuth"])

_Parameter = Annotated[str, Query()]


@router.get(
    "/callbacks/v1/oauth",
    operation_id="completeOAuth",
    response_class=HTMLResponse,
    responses={
        400: {
            "description": "The customer is not connected.",
            "content": {"application/problem+json": {}, "text/html": {}},  # the former for a NUL in the address
        },
        404: {"description": "What was to be connected is gone.", "content": {"text/html": {}}},
        422: {"description": "The customer's account cannot be connected.", "content": {"text/html": {}}},
    },
)
async def complete_oauth(
    flows: Flows,
    state: _Parameter = "",
    code: _Parameter = "",
    error: _Parameter = "",
    error_description: _Parameter = "",
) -> HTMLResponse:
    """The page that ends an OAuth flow in the customer's browser. The state authenticates it."""
    # What is too long is none of ours or of any provider's; an empty state is unknown like any other.
    state, code = (text if len(text) <= LONGEST_PARAMETER else "" for text in (state, code))
    try:
        connection_id = await flows.finish(Comeback(state, code, error, error_description))
    except Problem as problem:
        log.info("oauth.failed", type=problem.type)
        return oauth_page.failed(problem.status, problem.detail, problem.remedy)
    return oauth_page.succeeded(connection_id)
