"""The catalog over HTTP: for anybody, and to be kept by browsers and caches."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

from fastapi import Depends, Path, Request, Response

from conjunct.core.http import api_router
from conjunct.providers.published import Document, PublishedCatalog
from conjunct.providers.schemas import ProviderInfo

KEPT_SECONDS = 300

router = api_router(tags=["Provider"])

_ETAG = re.compile(r'(?:W/)?("[^"]*")')


async def _published(request: Request) -> PublishedCatalog:
    catalog: PublishedCatalog = request.app.state.published_catalog
    return catalog


Published = Annotated[PublishedCatalog, Depends(_published)]
_UNCHANGED = {"description": "It is still as the ETag in If-None-Match says."}


@router.get(
    "/providers",
    operation_id="listProviders",
    response_model=dict[str, ProviderInfo],
    response_model_exclude_none=True,
    responses={304: _UNCHANGED},
)
async def list_providers(request: Request, catalog: Published) -> Response:
    """Every provider by its name. No credential is needed."""
    # The first time all definitions are read: a second or so that the event loop has better uses for.
    document = catalog.made
    if document is None:
        document = await asyncio.to_thread(catalog.make)
    return _answer(request, document)


@router.get(
    "/providers/{provider}",
    operation_id="getProvider",
    response_model=ProviderInfo,
    response_model_exclude_none=True,
    responses={304: _UNCHANGED},
)
async def get_provider(
    request: Request, provider: Annotated[str, Path(description="The provider's name.")], catalog: Published
) -> Response:
    """One provider. No credential is needed."""
    return _answer(request, catalog.one(provider))


def _answer(request: Request, document: Document) -> Response:
    if_none_match = request.headers.get("If-None-Match")
    headers = {"ETag": document.etag, "Cache-Control": f"public, max-age={KEPT_SECONDS}"}
    if if_none_match is not None and (if_none_match.strip() == "*" or document.etag in _ETAG.findall(if_none_match)):
        return Response(status_code=304, headers=headers)
    return Response(document.body, headers=headers, media_type="application/json")
