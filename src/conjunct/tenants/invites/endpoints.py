"""Invites over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request, Response

from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.tenants.audit import record_change
from conjunct.tenants.builders.dependencies import Builders, OrgId
from conjunct.tenants.builders.schemas import BuilderInfo
from conjunct.tenants.dependencies import AuthenticatorDep, BuilderDep
from conjunct.tenants.invites.schemas import AcceptInvite, CreateInvite, Invite
from conjunct.tenants.invites.service import InviteService

router = api_router(tags=["Org"])

_COLLECTION = "/orgs/{orgId}/invites"
_ONE = _COLLECTION + "/{inviteId}"


async def _service(request: Request) -> InviteService:
    service: InviteService = request.app.state.invites
    return service


Invites = Annotated[InviteService, Depends(_service)]
InviteId = Annotated[str, Path(alias="inviteId", description="The invite's id.")]


@router.post(_COLLECTION, operation_id="createOrgInvite", status_code=201, response_model=Invite)
async def create_org_invite(
    caller: BuilderDep, org_id: OrgId, given: CreateInvite, invites: Invites, session: Transaction
) -> Response:
    """Invite somebody to the org that you own. They accept with a builder's token of their own, within 14 days."""
    return json_bytes(await invites.create(session, caller, org_id, given.email), 201)


@router.get(_COLLECTION, operation_id="listOrgInvites", response_model=list[Invite])
async def list_org_invites(
    caller: BuilderDep, org_id: OrgId, invites: Invites, database: DatabaseDep, pager: PagerDep
) -> Response:
    """The invites to the org that you own, oldest first."""
    async with database.reading() as reading:
        return pager.answer(await invites.list_json(reading, caller, org_id, pager.page))


@router.get(_ONE, operation_id="getOrgInvite", response_model=Invite)
async def get_org_invite(
    caller: BuilderDep, org_id: OrgId, invite_id: InviteId, invites: Invites, database: DatabaseDep
) -> Response:
    """One invite to the org that you own."""
    async with database.reading() as reading:
        return json_bytes(await invites.get_json(reading, caller, org_id, invite_id))


@router.delete(_ONE, operation_id="deleteOrgInvite", status_code=204)
async def delete_org_invite(
    caller: BuilderDep, org_id: OrgId, invite_id: InviteId, invites: Invites, session: Transaction
) -> None:
    """Revoke an invite to the org that you own."""
    await invites.revoke(session, caller, org_id, invite_id)


@router.post("/invites:accept", operation_id="acceptInvite", tags=["User"], response_model=BuilderInfo)
async def accept_invite(
    caller: BuilderDep,
    given: AcceptInvite,
    invites: Invites,
    builders: Builders,
    database: DatabaseDep,
    authenticator: AuthenticatorDep,
) -> Response:
    """Join the org that has invited you."""
    async with database.transaction() as session:
        await invites.accept(session, caller, given.invited_email)
        info = await builders.info_json(session, caller)
        await record_change(session)
    authenticator.forget()  # after the commit: a request in between would remember what was
    return json_bytes(info)
