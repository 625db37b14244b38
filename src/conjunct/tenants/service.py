"""Orgs, projects, groups and consumers: make and find them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.kit.ids import new_id
from conjunct.tenants.api_keys import ApiKeyService
from conjunct.tenants.builders import BuilderService
from conjunct.tenants.keys import ProjectKeys
from conjunct.tenants.models import ConsumerRow, GroupRow, OrgRow, ProjectRow
from conjunct.tenants.projects import ProjectService

FIRST_BUILDER = "owner@localhost"
"""The email address of the builder whom the first start makes; it is at no domain that could be claimed."""


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project just made. `api_key` is its first key, `builder_token` that of its org's first builder if one was made.

    Both are shown only here.
    """

    org_id: str
    project_id: str
    project_name: str
    api_key: str = field(repr=False)
    builder_token: str | None = field(default=None, repr=False)


class TenantService:
    """What the other slices ask of tenants, on the caller's transaction."""

    def __init__(self, keys: ProjectKeys) -> None:
        self._builders = BuilderService()
        self._projects = ProjectService(keys, self._builders)
        self._api_keys = ApiKeyService(keys)

    async def create_org_and_project(
        self, session: AsyncSession, *, org: str, project: str, app_name: str
    ) -> NewProject:
        """Make an org, a project in it, the project's data key and an API key with the scope `full`."""
        org_id = new_id()
        session.add(OrgRow(id=org_id, label=org))
        await session.flush()
        return await self.create_project(session, org_id=org_id, name=project, app_name=app_name)

    async def create_project(self, session: AsyncSession, *, org_id: str, name: str, app_name: str) -> NewProject:
        """Make a project in an org, the project's data key and an API key with the scope `full`; `ProjectInvalid`."""
        project_id = await self._projects.add(session, org_id, name, app_name)
        key = await self._api_keys.create(session, project_id, "first key", ["full"])
        return NewProject(org_id, project_id, name.lower(), key.key)

    async def create_first_builder(self, session: AsyncSession, org_id: str) -> str:
        """Make a builder who owns the org that has none yet; gives their token, which nothing shows again."""
        builder = await self._builders.create(session, FIRST_BUILDER)
        await self._builders.join(session, builder, org_id, "owner")
        return await self._builders.give_token(session, builder.id)

    async def has_projects(self, session: AsyncSession) -> bool:
        """Whether this database has been given its first project."""
        return (await session.scalar(select(ProjectRow.id).limit(1))) is not None

    async def ensure_group(self, session: AsyncSession, project_id: str, group_ref: str, group_name: str | None) -> str:
        """The id of the group with this reference, made where it is new, renamed where a name is given."""
        statement = insert(GroupRow).values(
            id=new_id(), project_id=project_id, group_ref=group_ref, group_name=group_name or group_ref
        )
        changes = {"group_name": group_name, "update_time": func.now()} if group_name else {"group_ref": group_ref}
        statement = statement.on_conflict_do_update(
            index_elements=[GroupRow.project_id, GroupRow.group_ref], set_=changes
        )
        return (await session.execute(statement.returning(GroupRow.id))).scalar_one()

    async def ensure_consumer(
        self, session: AsyncSession, project_id: str, consumer_ref: str, consumer_name: str | None
    ) -> str:
        """The id of the consumer with this reference, made where it is new, renamed where a name is given."""
        statement = insert(ConsumerRow).values(
            id=new_id(),
            project_id=project_id,
            consumer_ref=consumer_ref,
            consumer_name=consumer_name or consumer_ref,
        )
        changes = (
            {"consumer_name": consumer_name, "update_time": func.now()}
            if consumer_name
            else {"consumer_ref": consumer_ref}
        )
        statement = statement.on_conflict_do_update(
            index_elements=[ConsumerRow.project_id, ConsumerRow.consumer_ref], set_=changes
        )
        return (await session.execute(statement.returning(ConsumerRow.id))).scalar_one()

    async def find_group(self, session: AsyncSession, project_id: str, group_ref: str) -> str | None:
        """The id of the group with this reference, if there is one."""
        return await session.scalar(
            select(GroupRow.id).where(GroupRow.project_id == project_id, GroupRow.group_ref == group_ref)
        )
