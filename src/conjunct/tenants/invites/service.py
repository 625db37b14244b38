"""Invites: make, show, revoke and accept them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.paging import WHOLE, Items, Page
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.kit.clock import Clock
from conjunct.kit.ids import new_id
from conjunct.tenants.builders import AlreadyInOrg, BuilderService
from conjunct.tenants.caller import Caller
from conjunct.tenants.invites import repository
from conjunct.tenants.invites.problems import InviteAccepted, InviteExists, InviteNotFound, InviteOfAnother
from conjunct.tenants.invites.repository import Reader

LIFETIME = timedelta(days=14)


class InviteService:
    """What the API asks of invites, on the caller's transaction. Only an org's owners see and change its invites."""

    def __init__(self, builders: BuilderService, clock: Clock) -> None:
        self._builders = builders
        self._clock = clock

    async def create(self, session: AsyncSession, caller: Caller, org_id: str, email: str) -> str:
        """Invite an address, for 14 days; gives the invite as JSON.

        Raises `InvalidRequest` for a member of the org, `InviteExists`, `OrgNotFound`, `OwnersOnly`.
        """
        await self._builders.owner_of(session, caller, org_id)
        if await self._builders.is_member(session, email, org_id):
            raise InvalidRequest(
                f"{email!r} belongs to this org already.",
                issues=[Issue("email", "this builder belongs to the org already", value=email)],
            )
        invite_id, now = new_id(), self._clock.now()
        if not await repository.add(session, invite_id, org_id, email, now=now, until=now + LIFETIME):
            raise InviteExists(email)
        return await self._show(session, org_id, invite_id)

    async def list_json(self, reader: Reader, caller: Caller, org_id: str, page: Page = WHOLE) -> Items:
        """A page of the org's invites of every status, oldest first; `OrgNotFound`, `OwnersOnly`."""
        await self._builders.owner_of(reader, caller, org_id)
        return await repository.list_page(reader, org_id, page, self._clock.now())

    async def get_json(self, reader: Reader, caller: Caller, org_id: str, invite_id: str) -> str:
        """One invite; `InviteNotFound`, `OrgNotFound`, `OwnersOnly`."""
        await self._builders.owner_of(reader, caller, org_id)
        return await self._show(reader, org_id, invite_id)

    async def revoke(self, session: AsyncSession, caller: Caller, org_id: str, invite_id: str) -> None:
        """Make an invite void; one that is void already stays as it is.

        Raises `InviteAccepted`, `InviteNotFound`, `OrgNotFound`, `OwnersOnly`.
        """
        await self._builders.owner_of(session, caller, org_id)
        status = await repository.revoke(session, org_id, invite_id, self._clock.now())
        if status is None:
            raise _not_in_org(invite_id)
        if status == "accepted":
            raise InviteAccepted(invite_id)

    async def accept(self, session: AsyncSession, caller: Caller, email: str) -> None:
        """Join the org that has invited the builder who is calling; the one that did so last, if several have.

        Raises `InviteOfAnother`, `AlreadyInOrg`, `InviteNotFound`.
        """
        builder = await self._builders.current(session, caller, lock=True)
        if email != builder.email:
            raise InviteOfAnother
        if builder.org_id is not None:
            raise AlreadyInOrg
        org_id = await repository.accept_newest(session, email, self._clock.now())
        if org_id is None:
            raise InviteNotFound(
                f"There is no invite to {email!r} that could be accepted.",
                remedy="Ask an owner of the org to invite you, again if it has been more than 14 days.",
            )
        await self._builders.join(session, builder, org_id, "member")

    async def settle(self, session: AsyncSession, org_id: str, email: str) -> None:
        """Take the invites of somebody who has joined the org in another way as accepted."""
        await repository.settle(session, org_id, email, self._clock.now())

    async def _show(self, reader: Reader, org_id: str, invite_id: str) -> str:
        found = await repository.get_json(reader, org_id, invite_id, self._clock.now())
        if found is None:
            raise _not_in_org(invite_id)
        return found


def _not_in_org(invite_id: str) -> InviteNotFound:
    return InviteNotFound(
        f"This org has no invite {invite_id[:100]!r}.", remedy="Check the invite's id; listOrgInvites shows them."
    )
