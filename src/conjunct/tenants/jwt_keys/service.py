"""JWT keys: register, find, change and delete them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.paging import WHOLE, Items, Page
from conjunct.kit.ids import new_id
from conjunct.tenants.customer_tokens import ALGORITHM
from conjunct.tenants.jwt_keys.problems import JwtKeyNotFound
from conjunct.tenants.jwt_keys.public_key import normalised
from conjunct.tenants.jwt_keys.repository import JwtKeyRepository
from conjunct.tenants.jwt_keys.schemas import CreateJwtKey, JwtKeyChanges
from conjunct.tenants.update_mask import masked

# The specification's own examples call the label `name`.
MASKS = {"active": "active", "label": "label", "name": "label"}


class JwtKeyService:
    """What the API asks of JWT keys, on the caller's transaction.

    After a change is committed, call `Authenticator.forget`, so that it counts at once in this process.
    """

    async def list_page(
        self, session: AsyncSession | AsyncConnection, project_id: str, page: Page = WHOLE, *, active_only: bool = False
    ) -> Items:
        """A page of the project's JWT keys, oldest first."""
        return await JwtKeyRepository(session).list_page(project_id, page, active_only=active_only)

    async def get_json(self, session: AsyncSession | AsyncConnection, project_id: str, key_id: str) -> str:
        """One JWT key as JSON; `JwtKeyNotFound`."""
        found = await JwtKeyRepository(session).get_json(project_id, key_id)
        if found is None:
            raise JwtKeyNotFound(key_id)
        return found

    async def create(self, session: AsyncSession, project_id: str, given: CreateJwtKey) -> str:
        """Register a public key; returns its `kid`. `InvalidRequest` unless it is an RSA key of a fitting size."""
        pem = normalised(given.public_key_pem)
        key_id = new_id()
        await JwtKeyRepository(session).add(
            id=key_id, project_id=project_id, label=given.label, algorithm=ALGORITHM, public_key_pem=pem
        )
        return key_id

    async def update(
        self, session: AsyncSession, project_id: str, key_id: str, mask: Sequence[str], given: JwtKeyChanges
    ) -> str:
        """Change what the mask names; returns the key as JSON.

        Raises:
            InvalidRequest, Unprocessable: as `masked`.
            JwtKeyNotFound: there is none.
        """
        values = masked(mask, given, MASKS, at="jwtKey")
        if not await JwtKeyRepository(session).change(project_id, key_id, values):
            raise JwtKeyNotFound(key_id)
        return await self.get_json(session, project_id, key_id)

    async def delete(self, session: AsyncSession, project_id: str, key_id: str) -> None:
        """Delete a JWT key; tokens that name it are refused from now on. Raises `JwtKeyNotFound`."""
        if not await JwtKeyRepository(session).delete(project_id, key_id):
            raise JwtKeyNotFound(key_id)
