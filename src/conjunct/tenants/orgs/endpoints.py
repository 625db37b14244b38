"""Orgs and their people over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.tenants.audit import note_change, record_change
from conjunct.tenants.builders.dependencies import OrgId
from conjunct.tenants.dependencies import AuthenticatorDep, BuilderDep
from conjunct.tenants.orgs.schemas import AddMember, CreateOrg, UpdateOrg
from conjunct.tenants.orgs.service import OrgService
from conjunct.tenants.schemas import Builder, Org

router = api_router(tags=["Org"])

_ONE = "/orgs/{orgId}"


async def org_service(request: Request) -> OrgService:
    """The process's org service."""
    service: OrgService = request.app.state.orgs
    return service


Orgs = Annotated[OrgService, Depends(org_service)]


@router.post("/orgs", operation_id="createOrg", status_code=201, response_model=Org)
async def create_org(
    caller: BuilderDep, given: CreateOrg, orgs: Orgs, database: DatabaseDep, authenticator: AuthenticatorDep
) -> Response:
    """Make an org, which you own from then on. Whoever belongs to one cannot."""
    async with database.transaction() as session:
        made = await orgs.create(session, caller, given.label)
        await record_change(session)
    authenticator.forget()  # after the commit: a request in between would remember what was
    return json_bytes(made, 201)


@router.get(_ONE, operation_id="getOrg", response_model=Org)
async def get_org(caller: BuilderDep, org_id: OrgId, orgs: Orgs, database: DatabaseDep) -> Response:
    """Your org."""
    async with database.reading() as reading:
        return json_bytes(await orgs.get_json(reading, caller, org_id))


@router.patch(_ONE, operation_id="updateOrg", response_model=Org)
async def update_org(caller: BuilderDep, org_id: OrgId, given: UpdateOrg, orgs: Orgs, session: Transaction) -> Response:
    """Rename the org that you own."""
    return json_bytes(await orgs.update(session, caller, org_id, given.update_mask, given.org))


@router.get(_ONE + "/builders", operation_id="listOrgBuilders", response_model=list[Builder])
async def list_org_builders(
    caller: BuilderDep, org_id: OrgId, orgs: Orgs, database: DatabaseDep, pager: PagerDep
) -> Response:
    """The people of your org, oldest first."""
    async with database.reading() as reading:
        return pager.answer(await orgs.builders_json(reading, caller, org_id, pager.page))


@router.post(_ONE + "/memberships", operation_id="addUserToOrg", status_code=201, response_class=Response)
async def add_user_to_org(
    caller: BuilderDep,
    org_id: OrgId,
    given: AddMember,
    orgs: Orgs,
    database: DatabaseDep,
    authenticator: AuthenticatorDep,
) -> Response:
    """Add a builder without an org to the one that you own; or yourself to one that claimed your email's domain."""
    async with database.transaction() as session:
        await orgs.add_member(session, caller, org_id, given.builder_id)
        note_change(resource_id=given.builder_id)
        await record_change(session)
    authenticator.forget()  # after the commit: a request in between would remember what was
    return Response(status_code=201)
