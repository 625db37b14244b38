"""The search action over HTTP."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import Depends, Path, Query, Request, Response

from conjunct.actions.search.schemas import SearchRequest, SearchResponse
from conjunct.actions.search.service import SearchService
from conjunct.core.http import api_router, json_bytes, problems_as_json
from conjunct.tenants import ProjectId
from conjunct.tenants.audit import unaudited

router = api_router(tags=["Search"])


async def _service(request: Request) -> SearchService:
    service: SearchService = request.app.state.searches
    return service


Searches = Annotated[SearchService, Depends(_service)]
IntegrationId = Annotated[str, Path(alias="integrationId", description="The integration's id or name.")]
GroupRef = Annotated[
    str, Query(alias="groupRef", min_length=1, max_length=1000, description="The group whose records are searched.")
]


@router.post(
    "/projects/{projectIdOrName}/integrations/{integrationId}",
    operation_id="searchRecords",
    response_model=SearchResponse,
    responses=problems_as_json(400, 500),
)
@unaudited
async def search_records(
    project_id: ProjectId, integration_id: IntegrationId, group_ref: GroupRef, body: SearchRequest, searches: Searches
) -> Response:
    """The records of a customer that meet every filter: one page, at once."""
    found = await searches.search(project_id, integration_id, group_ref, body)
    entries = orjson.dumps(found.entries)
    more = b',"nextPageToken":' + orjson.dumps(found.next) if found.next is not None else b""
    return json_bytes(b"".join((b'{"result":', entries, b',"results":', entries, more, b"}")))
