"""JWT keys over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes, problems_as_json
from conjunct.core.paging import PagerDep
from conjunct.tenants.audit import record_change
from conjunct.tenants.dependencies import AuthenticatorDep, ProjectId
from conjunct.tenants.jwt_keys.schemas import CreateJwtKey, JwtKey, NewJwtKey, UpdateJwtKey
from conjunct.tenants.jwt_keys.service import JwtKeyService

# The specification sends the problems of these operations as plain JSON.
router = api_router(tags=["JWT Key"], responses=problems_as_json(400, 404, 422, 500))

_COLLECTION = "/projects/{projectIdOrName}/jwt-keys"
_ONE = _COLLECTION + "/{keyId}"


async def _service(request: Request) -> JwtKeyService:
    service: JwtKeyService = request.app.state.jwt_keys
    return service


JwtKeys = Annotated[JwtKeyService, Depends(_service)]
KeyId = Annotated[str, Path(alias="keyId", description="The key's id, which is the `kid` of its tokens.")]
ActiveOnly = Annotated[bool, Query(description="Only the keys that are active.")]


@router.post(_COLLECTION, operation_id="createJWTKey", status_code=201)
async def create_jwt_key(project_id: ProjectId, body: CreateJwtKey, keys: JwtKeys, session: Transaction) -> NewJwtKey:
    """Register an RSA public key, by which the tokens of your customers are verified."""
    return NewJwtKey(kid=await keys.create(session, project_id, body))


@router.get(_COLLECTION, operation_id="listJWTKeys", response_model=list[JwtKey])
async def list_jwt_keys(
    project_id: ProjectId, keys: JwtKeys, database: DatabaseDep, pager: PagerDep, active: ActiveOnly = False
) -> Response:
    """The project's JWT keys, oldest first."""
    async with database.reading() as connection:
        return pager.answer(await keys.list_page(connection, project_id, pager.page, active_only=active))


@router.get(_ONE, operation_id="getJWTKey", response_model=JwtKey)
async def get_jwt_key(project_id: ProjectId, key_id: KeyId, keys: JwtKeys, database: DatabaseDep) -> Response:
    """One JWT key."""
    async with database.reading() as connection:
        return json_bytes(await keys.get_json(connection, project_id, key_id))


@router.patch(_ONE, operation_id="updateJWTKey", response_model=JwtKey)
async def update_jwt_key(
    project_id: ProjectId,
    key_id: KeyId,
    body: UpdateJwtKey,
    keys: JwtKeys,
    database: DatabaseDep,
    authenticator: AuthenticatorDep,
) -> Response:
    """Rename a JWT key, or switch it on or off."""
    async with database.transaction() as session:
        changed = await keys.update(session, project_id, key_id, body.update_mask, body.jwt_key)
        await record_change(session)
    authenticator.forget()  # after the commit: a request in between would remember what was
    return json_bytes(changed)


@router.delete(_ONE, operation_id="deleteJWTKey", status_code=204)
async def delete_jwt_key(
    project_id: ProjectId, key_id: KeyId, keys: JwtKeys, database: DatabaseDep, authenticator: AuthenticatorDep
) -> None:
    """Delete a JWT key; tokens that it verified are refused from now on."""
    async with database.transaction() as session:
        await keys.delete(session, project_id, key_id)
        await record_change(session)
    authenticator.forget()
