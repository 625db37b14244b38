"""Billing over HTTP: clients that ask are told that there is none here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from conjunct.core.http import DatabaseDep, api_router
from conjunct.tenants.builders.dependencies import OrgId
from conjunct.tenants.dependencies import BuilderDep
from conjunct.tenants.orgs.endpoints import Orgs
from conjunct.tenants.orgs.problems import NothingBilled
from conjunct.tenants.orgs.schemas import PortalSession

router = api_router(tags=["Billing Account"])


@router.get("/orgs/{orgId}/billingAccount", operation_id="getOrgBillingAccount", response_class=Response)
async def get_org_billing_account(caller: BuilderDep, org_id: OrgId, orgs: Orgs, database: DatabaseDep) -> None:
    """Always 404: nothing is billed on a server of one's own."""
    async with database.reading() as reading:
        await orgs.billing_account(reading, caller, org_id)


@router.post(
    "/billingAccounts/{billingAccountId}/portalSession",
    operation_id="createBillingAccountSession",
    response_class=Response,
)
async def create_billing_account_session(
    _caller: BuilderDep,
    _account_id: Annotated[str, Path(alias="billingAccountId", description="A billing account's id.")],
    _given: PortalSession,
) -> None:
    """Always 404: nothing is billed on a server of one's own."""
    raise NothingBilled
