"""API keys over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from conjunct.core.http import DatabaseDep, Transaction, api_router
from conjunct.core.paging import PagerDep
from conjunct.tenants.api_keys.schemas import ApiKey, CreateApiKey, UpdateApiKey
from conjunct.tenants.api_keys.service import ApiKeyService
from conjunct.tenants.audit import note_change, record_change
from conjunct.tenants.dependencies import AuthenticatorDep, ProjectId

router = api_router(tags=["API Key"])

_COLLECTION = "/projects/{projectIdOrName}/api-keys"
_ONE = _COLLECTION + "/{apiKey}"


async def _service(request: Request) -> ApiKeyService:
    service: ApiKeyService = request.app.state.api_keys
    return service


ApiKeys = Annotated[ApiKeyService, Depends(_service)]
KeyOrId = Annotated[str, Path(alias="apiKey", description="The API key, or its id.")]
ActiveOnly = Annotated[bool, Query(description="Only the keys that are active.")]


@router.get(_COLLECTION, operation_id="listApiKeys", response_model=list[ApiKey])
async def list_api_keys(
    project_id: ProjectId, keys: ApiKeys, session: Transaction, pager: PagerDep, active: ActiveOnly = False
) -> Response:
    """The project's API keys, oldest first."""
    return pager.answer(await keys.list_page(session, project_id, pager.page, active_only=active))


@router.post(_COLLECTION, operation_id="createApiKey", status_code=201)
async def create_api_key(project_id: ProjectId, body: CreateApiKey, keys: ApiKeys, session: Transaction) -> ApiKey:
    """Make an API key."""
    return await keys.create(session, project_id, body.label, body.scopes)


@router.get(_ONE, operation_id="getApiKey")
async def get_api_key(project_id: ProjectId, key: KeyOrId, keys: ApiKeys, session: Transaction) -> ApiKey:
    """One API key."""
    return await keys.get(session, project_id, key)


@router.patch(_ONE, operation_id="updateApiKey")
async def update_api_key(
    project_id: ProjectId,
    key: KeyOrId,
    body: UpdateApiKey,
    keys: ApiKeys,
    database: DatabaseDep,
    authenticator: AuthenticatorDep,
) -> ApiKey:
    """Rename an API key, give it other scopes, or switch it on or off."""
    async with database.transaction() as session:
        changed = await keys.update(session, project_id, key, body.update_mask, body.api_key)
        note_change(resource_id=changed.id)
        await record_change(session)
    authenticator.forget()  # after the commit: a request in between would remember what was
    return changed


@router.delete(_ONE, operation_id="deleteApiKey", status_code=204)
async def delete_api_key(
    project_id: ProjectId, key: KeyOrId, keys: ApiKeys, database: DatabaseDep, authenticator: AuthenticatorDep
) -> None:
    """Delete an API key; what uses it is refused from now on."""
    async with database.transaction() as session:
        note_change(resource_id=await keys.delete(session, project_id, key))
        await record_change(session)
    authenticator.forget()
