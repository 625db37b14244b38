"""Where providers send customers back to from a step of a custom authentication.

The page hands what the provider sent to the page that opened it, which goes on with it by `POST
/v1/custom-auth/connect`: this address alone connects nobody. A flow that began on a hosted link goes on here.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from conjunct.connections import CustomAuth, CustomAuthFlows, Links, SentOn, SetOut
from conjunct.connections.custom_auth.schemas import LONGEST_PARAMETER, MAX_PARAMETERS
from conjunct.core.http import DatabaseDep, api_router
from conjunct.core.problems import InvalidRequest, Problem
from conjunct.web.connect import back_to_link
from conjunct.web.connect.layout import PRIVATE
from conjunct.web.popup_page import ANY_ORIGIN, popup_page

SOURCE = "ampersand-custom-auth"
"""What the message's `source` is: clients look for it."""

_LONGEST_NAME = 200

log = structlog.get_logger(__name__)

router = api_router(tags=["Connection"])


@router.get(
    "/callbacks/v1/custom-auth",
    operation_id="returnFromCustomAuth",
    response_class=HTMLResponse,
    responses={
        303: {"description": "The flow began on a hosted link, and goes on there or at the provider."},
        400: {
            "description": "Nobody waits for this callback, or it cannot be read.",
            "content": {"application/problem+json": {}, "text/html": {}},  # the former for a NUL in the address
        },
    },
)
async def return_from_custom_auth(request: Request, flows: CustomAuth, links: Links, database: DatabaseDep) -> Response:
    """The page that a customer comes back to from a step. Its parameters are the provider's; one is the state."""
    try:
        params = _read(request)
        waiting = await flows.waiting(params)
        if waiting is None:
            raise InvalidRequest(
                "This link was used before, is too old, or is not one of ours.",
                remedy="Close this window and connect again.",
            )
    except Problem as problem:
        log.info("custom_auth.callback_refused", type=problem.type)
        texts = (problem.detail, problem.remedy) if problem.remedy else (problem.detail,)
        return popup_page(problem.status, "alert", "You are not connected", texts, None)
    if waiting.set_out is not None:
        return await _go_on(flows, links, database, waiting.set_out, params)
    # Codes may be among the parameters: they are for the page that began, where it has said which it is.
    return popup_page(
        200,
        "status",
        "One moment",
        ("If this window does not close by itself, go back to the page that you came from.",),
        {"source": SOURCE, "params": params},
        target=waiting.opener_origin or ANY_ORIGIN,
    )


async def _go_on(
    flows: CustomAuthFlows, links: Links, database: DatabaseDep, set_out: SetOut, params: Mapping[str, str]
) -> Response:
    try:
        outcome = await flows.resume_from_callback(params)
    except Problem as problem:
        log.info("custom_auth.failed", type=problem.type)
        return await back_to_link(database, links, set_out, problem)
    if isinstance(outcome, SentOn):
        return RedirectResponse(outcome.url, 303, headers=PRIVATE)
    return await back_to_link(database, links, set_out)


def _read(request: Request) -> dict[str, str]:
    """The parameters of the callback. Raises `InvalidRequest` for what no provider sends."""
    pairs = request.query_params.multi_items()
    params = dict(pairs)
    if len(params) < len(pairs):
        raise _unreadable("A parameter stands in this address twice")
    if len(params) > MAX_PARAMETERS:
        raise _unreadable("This address has too many parameters")
    if any(not 0 < len(name) <= _LONGEST_NAME or len(value) > LONGEST_PARAMETER for name, value in pairs):
        raise _unreadable("A parameter of this address is too long, or has no name")
    return params


def _unreadable(why: str) -> InvalidRequest:
    return InvalidRequest(f"{why}, so that it cannot be read.", remedy="Close this window and connect again.")
