"""API keys: found by their digest, shown from a sealed copy."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.encryption import Keyring
from conjunct.core.paging import WHOLE, Items, Page
from conjunct.kit.ids import new_id
from conjunct.tenants.api_keys.problems import ApiKeyNotFound, LastFullKey
from conjunct.tenants.api_keys.repository import ApiKeyRepository, Shown
from conjunct.tenants.api_keys.schemas import ApiKey, ApiKeyChanges
from conjunct.tenants.caller import Scope
from conjunct.tenants.credentials import digest_of, new_api_key, shown_prefix
from conjunct.tenants.keys import ProjectKeys
from conjunct.tenants.models import ApiKeyRow
from conjunct.tenants.update_mask import masked

MASKS = {name: name for name in ("active", "label", "scopes")}


class ApiKeyService:
    """What the API asks of API keys, on the caller's transaction.

    After a change is committed, call `Authenticator.forget`, so that it counts at once in this process.
    """

    def __init__(self, keys: ProjectKeys) -> None:
        self._keys = keys

    async def list_page(
        self, session: AsyncSession, project_id: str, page: Page = WHOLE, *, active_only: bool = False
    ) -> Items:
        """A page of the project's keys, oldest first, each in full: whoever may see them could make one themselves."""
        keyring = await self._keys.keyring(session, project_id)
        rows = await ApiKeyRepository(session).list_page(project_id, page, active_only=active_only)
        found = [_shown(keyring, project_id, row) for row in rows]
        json = orjson.dumps([each.model_dump(by_alias=True) for each in found]).decode()
        return Items(json, len(found), found[-1].id if found else None)

    async def create(self, session: AsyncSession, project_id: str, label: str, scopes: Sequence[Scope]) -> ApiKey:
        """Make a key."""
        keyring = await self._keys.keyring(session, project_id)
        row, key = _new_row(keyring, project_id, label, scopes)
        await ApiKeyRepository(session).add(row)
        return ApiKey(id=row.id, key=key, label=label, scopes=row.scopes, project_id=project_id, active=True)

    async def get(self, session: AsyncSession, project_id: str, key_or_id: str) -> ApiKey:
        """The key that is named by itself or by its id; `ApiKeyNotFound`."""
        row = await ApiKeyRepository(session).get(project_id, key_or_id)
        if row is None:
            raise ApiKeyNotFound
        return _shown(await self._keys.keyring(session, project_id), project_id, row)

    async def update(
        self, session: AsyncSession, project_id: str, key_or_id: str, mask: Sequence[str], given: ApiKeyChanges
    ) -> ApiKey:
        """Change what the mask names.

        Raises:
            InvalidRequest, Unprocessable: as `masked`.
            ApiKeyNotFound: there is none.
            LastFullKey: nobody could get into the project any more.
        """
        values = masked(mask, given, MASKS, at="apiKey")
        found = await self.get(session, project_id, key_or_id)
        if values.get("active") is False or "full" not in values.get("scopes", ["full"]):
            await self._keep_a_way_in(session, project_id, found.id)
        await ApiKeyRepository(session).change(project_id, found.id, values)
        return await self.get(session, project_id, found.id)

    async def delete(self, session: AsyncSession, project_id: str, key_or_id: str) -> str:
        """Delete a key, be it the caller's own one; returns its id. Raises `ApiKeyNotFound`, `LastFullKey`."""
        found = await self.get(session, project_id, key_or_id)
        await self._keep_a_way_in(session, project_id, found.id)
        await ApiKeyRepository(session).delete(project_id, found.id)
        return found.id

    async def _keep_a_way_in(self, session: AsyncSession, project_id: str, leaving: str) -> None:
        keys = ApiKeyRepository(session)
        if await keys.lock_full(project_id) == {leaving} and not await keys.has_builder(project_id):
            raise LastFullKey


def _new_row(keyring: Keyring, project_id: str, label: str, scopes: Sequence[Scope]) -> tuple[ApiKeyRow, str]:
    """A new key as it is kept, and as it is told."""
    key_id, key = new_id(), new_api_key()
    row = ApiKeyRow(
        id=key_id,
        project_id=project_id,
        digest=digest_of(key),
        prefix=shown_prefix(key),
        sealed=keyring.encrypt(key.encode(), key_place(key_id)),
        label=label,
        scopes=sorted(set(scopes)),
        active=True,
    )
    return row, key


def _shown(keyring: Keyring, project_id: str, row: Shown) -> ApiKey:
    key_id, sealed, label, scopes, active = row
    key = keyring.decrypt(sealed, key_place(key_id)).decode()
    return ApiKey(id=key_id, key=key, label=label, scopes=scopes, project_id=project_id, active=active)


def key_place(key_id: str) -> str:
    """What an API key's text is sealed for."""
    return f"api_key:{key_id}:sealed"
