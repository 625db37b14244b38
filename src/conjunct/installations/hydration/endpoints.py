"""Hydrated revisions over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from conjunct.core.http import api_router, json_bytes
from conjunct.installations.endpoints import IntegrationId
from conjunct.installations.hydration.schemas import HydratedRevision
from conjunct.installations.hydration.service import Hydrator
from conjunct.tenants import Confinement, FrontendProjectId

router = api_router(tags=["Revision"])


async def _hydrator(request: Request) -> Hydrator:
    hydrator: Hydrator = request.app.state.hydrator
    return hydrator


@router.get(
    "/projects/{projectIdOrName}/integrations/{integrationId}/revisions/{revisionId}:hydrate",
    operation_id="getHydratedRevision",
    response_model=HydratedRevision,
)
async def get_hydrated_revision(
    project_id: FrontendProjectId,
    group_ref: Confinement,
    integration: IntegrationId,
    revision_id: Annotated[str, Path(alias="revisionId", description="The revision's id.")],
    connection_id: Annotated[
        str,
        Query(alias="connectionId", max_length=200, description="The connection through which the provider is asked."),
    ],
    hydrator: Annotated[Hydrator, Depends(_hydrator)],
) -> Response:
    """A revision with the fields that its objects have in the account of a connection."""
    return json_bytes(await hydrator.hydrate(project_id, integration, revision_id, connection_id, group_ref=group_ref))
