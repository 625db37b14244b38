"""Builders: make them, give them tokens, and say what they are in an org."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.paging import WHOLE, Items, Page
from conjunct.core.problems import Unauthorized
from conjunct.kit.ids import new_id
from conjunct.tenants.audit import note_change
from conjunct.tenants.builders import repository
from conjunct.tenants.builders.problems import AlreadyInOrg, BuilderExists, BuilderNotFound, OrgNotFound, OwnersOnly
from conjunct.tenants.builders.repository import BuilderState, Reader
from conjunct.tenants.caller import Caller, Role
from conjunct.tenants.credentials import digest_of, new_builder_token, shown_prefix

IDENTITY_PROVIDER = "conjunct"
"""Who vouches for builders: this server itself, whose operator makes them."""


class BuilderService:
    """What others ask of builders, on the caller's transaction."""

    async def create(
        self, session: AsyncSession, email: str, *, first_name: str | None = None, last_name: str | None = None
    ) -> BuilderState:
        """Make a builder who has no org yet; `email` in lower case. Raises `BuilderExists`."""
        builder_id = new_id()
        added = await repository.add(
            session,
            id=builder_id,
            email=email,
            idp_provider=IDENTITY_PROVIDER,
            idp_ref=builder_id,
            first_name=first_name,
            last_name=last_name,
        )
        if not added:
            raise BuilderExists(email)
        return BuilderState(builder_id, email, None, None)

    async def give_token(self, session: AsyncSession, builder_id: str) -> str:
        """A new token of the builder, which nothing shows again."""
        token = new_builder_token()
        await repository.add_token(session, builder_id, digest_of(token), shown_prefix(token))
        return token

    async def revoke_tokens(self, session: AsyncSession, builder_id: str) -> int:
        """Make all of the builder's tokens void; gives how many there were."""
        return await repository.remove_tokens(session, builder_id)

    async def with_email(self, session: AsyncSession, email: str, *, lock: bool = False) -> BuilderState:
        """The builder with this address; `BuilderNotFound`."""
        found = await repository.find_by_email(session, email, lock=lock)
        if found is None:
            raise BuilderNotFound(email)
        return found

    async def current(self, reader: Reader, caller: Caller, *, lock: bool = False) -> BuilderState:
        """The builder who is calling, as they are now: what the credential told may be some seconds old.

        With `lock`, nobody else changes their membership until the transaction ends.
        """
        found = await repository.find(reader, caller.builder_id or "", lock=lock)
        if found is None:
            raise Unauthorized("The builder of this token is no more.", remedy="Ask the operator for another token.")
        return found

    async def member_of(self, reader: Reader, caller: Caller, org_id: str) -> BuilderState:
        """The builder who is calling, who belongs to the org; else `OrgNotFound`, whether it exists or not."""
        builder = await self.current(reader, caller)
        if builder.org_id != org_id:
            raise OrgNotFound(org_id)
        return builder

    async def owner_of(self, reader: Reader, caller: Caller, org_id: str) -> BuilderState:
        """The builder who is calling, who owns the org; `OrgNotFound` or `OwnersOnly`."""
        builder = await self.member_of(reader, caller, org_id)
        if builder.role != "owner":
            raise OwnersOnly
        return builder

    async def find(self, session: AsyncSession, builder_id: str, *, lock: bool = False) -> BuilderState:
        """The builder with this id, of whatever org; `BuilderNotFound`."""
        found = await repository.find(session, builder_id, lock=lock)
        if found is None:
            raise BuilderNotFound(builder_id)
        return found

    async def is_member(self, reader: Reader, email: str, org_id: str) -> bool:
        """Whether somebody with this address belongs to the org."""
        found = await repository.find_by_email(reader, email)
        return found is not None and found.org_id == org_id

    async def join(self, session: AsyncSession, builder: BuilderState, org_id: str, role: Role) -> None:
        """Put a builder, whose row is locked, into an org; `AlreadyInOrg`."""
        if builder.org_id is not None:
            raise AlreadyInOrg
        await repository.set_membership(session, builder.id, org_id, role)
        note_change(org_id=org_id)

    async def info_json(self, reader: Reader, caller: Caller) -> str:
        """The builder who is calling, with their org and projects."""
        found = await repository.info_json(reader, caller.builder_id or "")
        if found is None:
            await self.current(reader, caller)
        return found or "{}"

    async def list_json(self, reader: Reader, org_id: str, page: Page = WHOLE) -> Items:
        """A page of the org's builders, those first who came first."""
        return await repository.in_org_json(reader, org_id, page)
