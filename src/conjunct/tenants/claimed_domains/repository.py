"""Queries on claimed domains."""

from __future__ import annotations

from sqlalchemy import exists, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.paging import Items, Page, page_sql
from conjunct.tenants.claimed_domains.models import ClaimedDomainRow

Reader = AsyncSession | AsyncConnection

_JSON = "json_build_object('id', d.id, 'parentType', 'org', 'parentId', d.org_id, 'domain', d.domain)"
_LIST = text(page_sql(_JSON, "FROM claimed_domain d WHERE d.org_id = :org_id", "d.id"))
# Who owns an org sees its claims; whoever has an address at a domain sees whose it is.
_VISIBLE = text(f"""
    SELECT {_JSON}::text FROM claimed_domain d
    WHERE d.domain = :domain AND (d.domain = :own_domain OR d.org_id = :owned_org_id)""")  # noqa: S608 - the parts are constants of ours


async def list_page(reader: Reader, org_id: str, page: Page) -> Items:
    """Those first that were claimed first."""
    return Items(*(await reader.execute(_LIST, {"org_id": org_id, **page.parameters})).one())


async def visible_json(reader: Reader, domain: str, *, own_domain: str, owned_org_id: str | None) -> str | None:
    """The claim on a domain, if a builder with that address, who owns that org, may see it."""
    values = {"domain": domain, "own_domain": own_domain, "owned_org_id": owned_org_id}
    found: str | None = (await reader.execute(_VISIBLE, values)).scalar_one_or_none()
    return found


async def claim(session: AsyncSession, org_id: str, domain: str) -> str:
    """Claim the domain unless it is claimed; gives the org whose it is now."""
    statement = insert(ClaimedDomainRow).values(org_id=org_id, domain=domain)
    await session.execute(statement.on_conflict_do_nothing(index_elements=[ClaimedDomainRow.domain]))
    # Whoever was first has committed by now: the statement above waited for it.
    found: str = (
        await session.execute(select(ClaimedDomainRow.org_id).where(ClaimedDomainRow.domain == domain))
    ).scalar_one()
    return found


async def is_claimed_by(session: AsyncSession, org_id: str, domain: str) -> bool:
    claim_there = exists().where(ClaimedDomainRow.org_id == org_id, ClaimedDomainRow.domain == domain)
    return bool(await session.scalar(select(claim_there)))
