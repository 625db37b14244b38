"""Claimed domains: claim them, and say whose they are."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.paging import WHOLE, Items, Page
from conjunct.tenants.addresses import email_domain
from conjunct.tenants.builders import BuilderService
from conjunct.tenants.caller import Caller
from conjunct.tenants.claimed_domains import repository
from conjunct.tenants.claimed_domains.problems import DomainClaimed, DomainNotClaimed, DomainNotYours
from conjunct.tenants.claimed_domains.repository import Reader


class ClaimedDomainService:
    """What the API asks of claimed domains, on the caller's transaction.

    An email address proves its domain, for it is the operator who gives builders their addresses.
    """

    def __init__(self, builders: BuilderService) -> None:
        self._builders = builders

    async def check_json(self, reader: Reader, caller: Caller, domain: str) -> str:
        """The claim on a domain, as far as the builder may see it; `DomainNotClaimed`."""
        builder = await self._builders.current(reader, caller)
        owned = builder.org_id if builder.role == "owner" else None
        found = await repository.visible_json(
            reader, domain, own_domain=email_domain(builder.email), owned_org_id=owned
        )
        if found is None:
            raise DomainNotClaimed(domain)
        return found

    async def claim(self, session: AsyncSession, caller: Caller, org_id: str, domain: str) -> None:
        """Claim a domain for the builder's org; what that org has claimed already stays as it is.

        Raises `OrgNotFound`, `OwnersOnly`, `DomainNotYours` or `DomainClaimed`.
        """
        builder = await self._builders.owner_of(session, caller, org_id)
        if domain != email_domain(builder.email):
            raise DomainNotYours(domain)
        if await repository.claim(session, org_id, domain) != org_id:
            raise DomainClaimed(domain)

    async def list_json(self, reader: Reader, caller: Caller, org_id: str, page: Page = WHOLE) -> Items:
        """A page of the domains that the builder's org has claimed, oldest first; `OrgNotFound`."""
        await self._builders.member_of(reader, caller, org_id)
        return await repository.list_page(reader, org_id, page)

    async def lets_join(self, session: AsyncSession, email: str, org_id: str) -> bool:
        """Whether the org has claimed the domain that this address is at."""
        return await repository.is_claimed_by(session, org_id, email_domain(email))
