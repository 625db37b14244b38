"""Projects: make, show and change them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.paging import WHOLE, Items, Page
from conjunct.core.problems import Issue
from conjunct.kit.ids import new_id
from conjunct.tenants.audit import note_change
from conjunct.tenants.builders import BuilderService
from conjunct.tenants.caller import Caller, no_such_project
from conjunct.tenants.keys import ProjectKeys
from conjunct.tenants.projects import repository
from conjunct.tenants.projects.names import app_name_issues, name_issues, taken
from conjunct.tenants.projects.problems import ProjectInvalid
from conjunct.tenants.projects.repository import Reader
from conjunct.tenants.projects.schemas import CreateProject, ProjectChanges
from conjunct.tenants.update_mask import masked

MASKS = {"appName": "app_name", "name": "name", "frontendAccess": "frontend_access"}


class ProjectService:
    """What the API and the operator ask of projects, on the caller's transaction.

    After one is renamed, call `Authenticator.forget`, so that it counts at once in this process.
    """

    def __init__(self, keys: ProjectKeys, builders: BuilderService) -> None:
        self._keys = keys
        self._builders = builders

    async def list_json(self, reader: Reader, caller: Caller, page: Page = WHOLE) -> Items:
        """The one project of an API key or a JWT, or a page of those of a builder's org, oldest first."""
        if caller.project_id is not None:
            return await repository.list_one(reader, caller.project_id, page)
        builder = await self._builders.current(reader, caller)
        return await repository.list_of_org(reader, builder.org_id, page)

    async def get_json(self, reader: Reader, project_id: str, *, entitlements: bool = False) -> str:
        """One project, with what it may use if wanted."""
        found = await repository.get_json(reader, project_id, entitlements=entitlements)
        if found is None:
            raise no_such_project(project_id)
        return found

    async def create(self, session: AsyncSession, caller: Caller, given: CreateProject) -> str:
        """Make a project in the builder's org, without an API key; gives it as JSON. Raises `ProjectInvalid`."""
        builder = await self._builders.current(session, caller)
        issues = []
        if not given.org_id or given.org_id != builder.org_id:
            remedy = "Give the id of your org: `GET /v1/my-info` shows it."
            issues.append(Issue("orgId", "is not an org that you belong to", value=given.org_id[:100], remedy=remedy))
        made = await self.add(session, given.org_id, given.name, given.app_name, issues)
        note_change(project_id=made)
        return await self.get_json(session, made)

    async def add(
        self, session: AsyncSession, org_id: str, name: str, app_name: str, issues: Sequence[Issue] = ()
    ) -> str:
        """Make a project with its data key; gives its id. `ProjectInvalid` tells its faults beside `issues`."""
        name_faults, kept = name_issues(name, "name"), name.lower()
        if not issues and not name_faults and await repository.is_taken(session, org_id, kept):
            name_faults = [taken(kept, "name")]
        if found := [*issues, *app_name_issues(app_name, "appName"), *name_faults]:
            raise ProjectInvalid(found)
        project_id = new_id()
        if not await repository.add(session, project_id=project_id, org_id=org_id, name=kept, app_name=app_name):
            raise ProjectInvalid([taken(kept, "name")])
        self._keys.make(session, project_id)
        await session.flush()
        return project_id

    async def update(self, session: AsyncSession, project_id: str, mask: Sequence[str], given: ProjectChanges) -> str:
        """Change what the mask names; gives the project as JSON. Raises `ProjectInvalid`, or as `masked`."""
        values = masked(mask, given, MASKS, at="project")
        issues = [*app_name_issues(values["app_name"], "project.appName")] if "app_name" in values else []
        if "name" in values:
            issues += name_issues(values["name"], "project.name")
            values["name"] = values["name"].lower()
        if "frontend_access" in values:
            values["frontend_access"] = sorted(values["frontend_access"])
        if issues:
            raise ProjectInvalid(issues)
        if not await repository.change(session, project_id, values):
            raise ProjectInvalid([taken(values["name"], "project.name")])
        return await self.get_json(session, project_id)

    async def check_master_key(self, session: AsyncSession) -> None:
        """Open some project's keys; `DecryptionFailed` where the master key is not the one of this database."""
        project_id = await repository.any_id(session)
        if project_id is not None:
            await self._keys.keyring(session, project_id)
