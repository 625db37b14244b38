"""Orgs: make, show and change them, and add people to them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.paging import WHOLE, Items, Page
from conjunct.kit.ids import new_id
from conjunct.tenants.audit import note_change
from conjunct.tenants.builders import AlreadyInOrg, BuilderNotFound, BuilderService, BuilderState, OrgNotFound
from conjunct.tenants.builders.problems import OwnersOnly
from conjunct.tenants.caller import Caller, Role
from conjunct.tenants.claimed_domains import ClaimedDomainService
from conjunct.tenants.invites import InviteService
from conjunct.tenants.orgs import repository
from conjunct.tenants.orgs.problems import MembershipExists, NothingBilled
from conjunct.tenants.orgs.repository import OrgSummary, Reader
from conjunct.tenants.orgs.schemas import OrgChanges
from conjunct.tenants.update_mask import masked

MASKS = {"label": "label"}


class OrgService:
    """What the API and the operator ask of orgs, on the caller's transaction.

    After somebody has joined one, call `Authenticator.forget`, so that it counts at once in this process.
    """

    def __init__(self, builders: BuilderService, invites: InviteService, domains: ClaimedDomainService) -> None:
        self._builders = builders
        self._invites = invites
        self._domains = domains

    async def create(self, session: AsyncSession, caller: Caller, label: str) -> str:
        """Make an org that the builder who is calling owns; gives it as JSON. Raises `AlreadyInOrg`."""
        founder = await self._builders.current(session, caller, lock=True)
        return await repository.get_json(session, await self.found(session, founder, label))

    async def found(self, session: AsyncSession, founder: BuilderState, label: str) -> str:
        """Make an org that a builder, whose row is locked, owns; gives its id. Raises `AlreadyInOrg`."""
        if founder.org_id is not None:
            raise AlreadyInOrg
        org_id = new_id()
        await repository.add(session, org_id, label)
        await self._builders.join(session, founder, org_id, "owner")
        note_change(resource_id=org_id)
        return org_id

    async def get_json(self, reader: Reader, caller: Caller, org_id: str) -> str:
        """The org of the builder who is calling; `OrgNotFound` for any other."""
        await self._builders.member_of(reader, caller, org_id)
        return await repository.get_json(reader, org_id)

    async def update(
        self, session: AsyncSession, caller: Caller, org_id: str, mask: Sequence[str], given: OrgChanges
    ) -> str:
        """Change what the mask names; gives the org as JSON. Raises `OrgNotFound`, `OwnersOnly`, or as `masked`."""
        await self._builders.owner_of(session, caller, org_id)
        await repository.change(session, org_id, masked(mask, given, MASKS, at="org"))
        return await repository.get_json(session, org_id)

    async def builders_json(self, reader: Reader, caller: Caller, org_id: str, page: Page = WHOLE) -> Items:
        """A page of the builders of the caller's org, those first who came first; `OrgNotFound`."""
        await self._builders.member_of(reader, caller, org_id)
        return await self._builders.list_json(reader, org_id, page)

    async def add_member(self, session: AsyncSession, caller: Caller, org_id: str, builder_id: str) -> None:
        """Add a builder who has no org: an owner adds anybody, others themselves where their domain is claimed.

        Raises `OrgNotFound`, `OwnersOnly`, `BuilderNotFound` (also for builders of other orgs) or `MembershipExists`.
        """
        own = await self._builders.current(session, caller)
        if own.org_id == org_id:
            if own.role != "owner":
                raise OwnersOnly
        elif builder_id != own.id or not await self._domains.lets_join(session, own.email, org_id):
            raise OrgNotFound(org_id)
        builder = await self._builders.find(session, builder_id, lock=True)
        if builder.org_id is not None and builder.org_id != org_id and builder.id != own.id:
            raise BuilderNotFound(builder_id)  # people of other orgs are none of theirs
        if builder.org_id is not None:
            raise MembershipExists(builder_id)
        await self.admit(session, builder, org_id, "member")

    async def admit(self, session: AsyncSession, builder: BuilderState, org_id: str, role: Role) -> None:
        """Put a builder, whose row is locked, into an org, and take invites to it as accepted; `AlreadyInOrg`."""
        await self._builders.join(session, builder, org_id, role)
        await self._invites.settle(session, org_id, builder.email)

    async def billing_account(self, reader: Reader, caller: Caller, org_id: str) -> None:
        """The org's billing account: there is none, ever. Raises `OrgNotFound` or `NothingBilled`."""
        await self._builders.member_of(reader, caller, org_id)
        raise NothingBilled

    async def require(self, reader: Reader, org_id: str) -> None:
        """Refuse with `OrgNotFound` unless there is such an org. For the operator, who sees all."""
        if not await repository.exists(reader, org_id):
            raise OrgNotFound(org_id)

    async def summaries(self, reader: Reader) -> list[OrgSummary]:
        """All orgs of the server, oldest first. For its operator only."""
        return await repository.summaries(reader)
