"""Pulling a destination's messages over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

import orjson
from fastapi import Query, Request, Response

from conjunct.core.encryption import DerivedKeys
from conjunct.core.http import DatabaseDep, api_router, json_bytes
from conjunct.delivery.endpoints import Delivery, NameOrId
from conjunct.delivery.feeds import LARGEST_PAGE, LONGEST_WAIT, Pulled
from conjunct.delivery.problems import CursorUnknown
from conjunct.delivery.schemas import FeedPage
from conjunct.kit import page_tokens
from conjunct.tenants import ProjectId

router = api_router(tags=["Destination"])


@router.get(
    "/projects/{projectIdOrName}/destinations/{destination}/messages",
    operation_id="pullMessages",
    response_model=FeedPage,
)
async def pull_messages(
    request: Request,
    project_id: ProjectId,
    destination: NameOrId,
    service: Delivery,
    database: DatabaseDep,
    after: Annotated[
        str | None,
        Query(
            max_length=page_tokens.MAX_LENGTH,
            description="The `cursor` of the answer before; without it, from the oldest message that is kept.",
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="At most so many messages.")] = LARGEST_PAGE,
    wait: Annotated[
        int,
        Query(
            ge=0,
            le=int(LONGEST_WAIT.total_seconds()),
            description="Seconds to wait for a message where there is none yet.",
        ),
    ] = 0,
) -> Response:
    """Pull the messages that a destination keeps, in the order in which they came to be there.

    Going on from a cursor says that what came before it is dealt with.
    """
    keys: DerivedKeys = request.app.state.page_keys
    async with database.transaction() as session:
        found = await service.feeds.find(session, project_id, destination)
    scope = f"feed:{found.id}"
    place = None if after is None else _place(after, keys, scope)
    pulled = await service.feeds.pull(found, place, limit, timedelta(seconds=wait))
    cursor = page_tokens.encode((pulled.place,), key=keys.current, scope=scope)
    response = json_bytes(_page(pulled, cursor))
    if pulled.has_more:
        query = urlencode({**request.query_params, "after": cursor})
        response.headers["Link"] = f'<?{query}>; rel="next"'
    return response


def _place(cursor: str, keys: DerivedKeys, scope: str) -> int:
    try:
        (place,) = page_tokens.decode(cursor, keys=keys.all, scope=scope)
    except ValueError:
        raise CursorUnknown from None
    return int(place or 0)


def _page(pulled: Pulled, cursor: str) -> bytes:
    """The answer. Bodies are JSON already, and go into it byte by byte as they would be sent."""
    messages = [
        {
            "id": kept.message.id,
            "createTime": kept.create_time,
            "records": kept.message.records,
            "payload": orjson.Fragment(body),
        }
        for kept, body in pulled.messages
    ]
    answer = {"messages": messages, "cursor": cursor, "hasMore": pulled.has_more}
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z)
