"""Claimed domains over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.tenants.addresses import Domain
from conjunct.tenants.builders.dependencies import OrgId
from conjunct.tenants.claimed_domains.schemas import ClaimDomain, ClaimedDomain
from conjunct.tenants.claimed_domains.service import ClaimedDomainService
from conjunct.tenants.dependencies import BuilderDep

router = api_router(tags=["Org"])


async def _service(request: Request) -> ClaimedDomainService:
    service: ClaimedDomainService = request.app.state.claimed_domains
    return service


ClaimedDomains = Annotated[ClaimedDomainService, Depends(_service)]


@router.get("/claimed-domains", operation_id="checkClaimedDomain", response_model=ClaimedDomain)
async def check_claimed_domain(
    caller: BuilderDep,
    domains: ClaimedDomains,
    database: DatabaseDep,
    domain: Annotated[Domain, Query(description="A domain, or an email address or URL at it.")],
) -> Response:
    """Which org has claimed a domain: that of your own email address, or one that an org of yours claimed."""
    async with database.reading() as reading:
        return json_bytes(await domains.check_json(reading, caller, domain))


@router.post("/claimed-domains", operation_id="claimDomain", status_code=201, response_class=Response)
async def claim_domain(
    caller: BuilderDep, given: ClaimDomain, domains: ClaimedDomains, session: Transaction
) -> Response:
    """Claim the domain of your email address for the org that you own: who has an address there may join it."""
    await domains.claim(session, caller, given.parent_id, given.domain)
    return Response(status_code=201)


@router.get("/orgs/{orgId}/claimed-domains", operation_id="listOrgClaimedDomains", response_model=list[ClaimedDomain])
async def list_org_claimed_domains(
    caller: BuilderDep,
    org_id: OrgId,
    domains: ClaimedDomains,
    database: DatabaseDep,
    pager: PagerDep,
) -> Response:
    """The domains that your org has claimed, oldest first."""
    async with database.reading() as reading:
        return pager.answer(await domains.list_json(reading, caller, org_id, pager.page))
