"""The catalog over HTTP: for anybody, and kept by browsers and caches; with a project's key, its own providers too."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request, Response

from conjunct.connectors import Definition
from conjunct.core.database import Database
from conjunct.core.http import api_router
from conjunct.providers.of_projects import ProjectProviders
from conjunct.providers.published import Document, PublishedCatalog
from conjunct.providers.schemas import ProviderInfo

KEPT_SECONDS = 300

router = api_router(tags=["Provider"])

_ETAG = re.compile(r'(?:W/)?("[^"]*")')


async def _published(request: Request) -> PublishedCatalog:
    catalog: PublishedCatalog = request.app.state.published_catalog
    return catalog


async def _own(request: Request) -> Own | None:
    """The providers of the project whose credential the request has, if there is one."""
    project_of: Callable[[Request], Awaitable[str | None]] | None = getattr(request.app.state, "project_of", None)
    project_id = None if project_of is None else await project_of(request)
    if project_id is None:
        return None
    return Own(project_id, request.app.state.project_providers, request.app.state.database)


@dataclass(frozen=True, slots=True)
class Own:
    """What a project has deployed itself."""

    project_id: str
    providers: ProjectProviders
    database: Database

    async def one(self, name: str) -> Definition | None:
        """The definition of that name, if the project has one."""
        async with self.database.reading() as reading:
            return await self.providers.own(reading, self.project_id, name)

    async def all(self) -> dict[str, Definition]:
        """All of them by name."""
        async with self.database.reading() as reading:
            return await self.providers.all_own(reading, self.project_id)


OwnDep = Annotated[Own | None, Depends(_own)]
Published = Annotated[PublishedCatalog, Depends(_published)]
_UNCHANGED = {"description": "It is still as the ETag in If-None-Match says."}


@router.get(
    "/providers",
    operation_id="listProviders",
    response_model=dict[str, ProviderInfo],
    response_model_exclude_none=True,
    responses={304: _UNCHANGED},
)
async def list_providers(request: Request, catalog: Published, own: OwnDep) -> Response:
    """Every provider by its name. No credential is needed; with a project's, those that it has deployed are there."""
    # The first time all definitions are read: a second or so that the event loop has better uses for.
    document = catalog.made
    if document is None:
        document = await asyncio.to_thread(catalog.make)
    definitions = {} if own is None else await own.all()
    if definitions:
        return _answer(request, await asyncio.to_thread(catalog.own, definitions), of_project=True)
    return _answer(request, document)


@router.get(
    "/providers/{provider}",
    operation_id="getProvider",
    response_model=ProviderInfo,
    response_model_exclude_none=True,
    responses={304: _UNCHANGED},
)
async def get_provider(
    request: Request,
    provider: Annotated[str, Path(description="The provider's name.")],
    catalog: Published,
    own: OwnDep,
) -> Response:
    """One provider. No credential is needed, unless a project has deployed it."""
    definition = None if own is None else await own.one(provider)
    if definition is not None:
        return _answer(request, catalog.of(definition), of_project=True)
    return _answer(request, catalog.one(provider))


def _answer(request: Request, document: Document, *, of_project: bool = False) -> Response:
    if_none_match = request.headers.get("If-None-Match")
    kept = "private, no-cache" if of_project else f"public, max-age={KEPT_SECONDS}"
    headers = {"ETag": document.etag, "Cache-Control": kept, "Vary": "X-Api-Key, Authorization"}
    if if_none_match is not None and (if_none_match.strip() == "*" or document.etag in _ETAG.findall(if_none_match)):
        return Response(status_code=304, headers=headers)
    return Response(document.body, headers=headers, media_type="application/json")
