"""What the operator does on the database itself, without a credential of the API: orgs, builders and projects."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.kit.clock import SystemClock
from conjunct.tenants import NewProject, ProjectKeys, TenantService
from conjunct.tenants.audit import ADMIN_CLI, Entry, add_entry
from conjunct.tenants.builders import BuilderNotFound, BuilderService, BuilderState
from conjunct.tenants.claimed_domains import ClaimedDomainService
from conjunct.tenants.invites import InviteService
from conjunct.tenants.orgs import OrgService, OrgSummary
from conjunct.tenants.projects import ProjectService


class Administration:
    """The operator's hand in one database, each call a transaction of its own.

    Credentials that it gives are shown by nothing else. Servers that run remember what they knew for 5 seconds.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._builders = BuilderService()
        invites = InviteService(self._builders, SystemClock())
        self._orgs = OrgService(self._builders, invites, ClaimedDomainService(self._builders))

    async def create_org(
        self, label: str, email: str, *, first_name: str | None = None, last_name: str | None = None
    ) -> tuple[str, str]:
        """Make an org that the builder with this address owns, making them if need be; gives its id and a token.

        Raises `AlreadyInOrg`.
        """
        async with self._database.transaction() as session:
            try:
                builder = await self._builders.with_email(session, email, lock=True)
            except BuilderNotFound:
                builder = await self._builders.create(session, email, first_name=first_name, last_name=last_name)
            org_id = await self._orgs.found(session, builder, label)
            await _note(session, "create-org", "org", org_id, org_id=org_id)
            return org_id, await self._builders.give_token(session, builder.id)

    async def create_builder(
        self,
        email: str,
        *,
        org_id: str | None = None,
        owner: bool = False,
        first_name: str | None = None,
        last_name: str | None = None,
    ) -> tuple[str, str]:
        """Make a builder, in an org if one is given; gives their id and a token. `BuilderExists`, `OrgNotFound`."""
        async with self._database.transaction() as session:
            builder = await self._builders.create(session, email, first_name=first_name, last_name=last_name)
            if org_id is not None:
                await self._admit(session, builder, org_id, owner=owner)
            await _note(session, "create-builder", "builder", builder.id, org_id=org_id)
            return builder.id, await self._builders.give_token(session, builder.id)

    async def create_token(self, email: str, *, revoke: bool = False) -> tuple[str, int]:
        """A new token for a builder, and how many old ones were revoked for it, if wanted; `BuilderNotFound`."""
        async with self._database.transaction() as session:
            builder = await self._builders.with_email(session, email, lock=True)
            revoked = await self._builders.revoke_tokens(session, builder.id) if revoke else 0
            await _note(session, "create-token", "builder", builder.id, org_id=builder.org_id, revoked=revoked)
            return await self._builders.give_token(session, builder.id), revoked

    async def create_project(self, keys: ProjectKeys, *, org_id: str, name: str, app_name: str) -> NewProject:
        """Make a project with its first API key.

        Raises `OrgNotFound`, `ProjectInvalid`, or `DecryptionFailed` where the master key is not this database's.
        """
        async with self._database.transaction() as session:
            await self._orgs.require(session, org_id)
            await ProjectService(keys, self._builders).check_master_key(session)
            made = await TenantService(keys).create_project(session, org_id=org_id, name=name, app_name=app_name)
            await _note(
                session, "create-project", "project", made.project_id, org_id=org_id, project_id=made.project_id
            )
            return made

    async def list_orgs(self) -> list[OrgSummary]:
        """All orgs, oldest first."""
        async with self._database.reading() as reading:
            return await self._orgs.summaries(reading)

    async def _admit(self, session: AsyncSession, builder: BuilderState, org_id: str, *, owner: bool) -> None:
        await self._orgs.require(session, org_id)
        await self._orgs.admit(session, builder, org_id, "owner" if owner else "member")


async def _note(
    session: AsyncSession,
    command: str,
    kind: str,
    resource_id: str,
    *,
    org_id: str | None,
    project_id: str | None = None,
    **detail: int,
) -> None:
    """Tell the audit log what the operator does."""
    entry = Entry(ADMIN_CLI, f"admin {command}", kind, resource_id, project_id=project_id, org_id=org_id, detail=detail)
    await add_entry(session, entry)
