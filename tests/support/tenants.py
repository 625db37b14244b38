"""Projects and keys to test with."""

from __future__ import annotations

from sqlalchemy import insert

from conjunct.core.database import Database
from conjunct.tenants import NewProject, ProjectKeys, TenantService
from conjunct.tenants.credentials import digest_of, new_api_key, shown_prefix
from conjunct.tenants.models import ApiKeyRow


async def make_project(database: Database, keys: ProjectKeys, name: str = "default") -> NewProject:
    """A project of this name in an org of its own, with an API key of the scope `full`."""
    async with database.transaction() as session:
        return await TenantService(keys).create_org_and_project(session, org=f"{name} org", project=name, app_name=name)


async def make_key(database: Database, project: NewProject, *scopes: str, active: bool = True) -> str:
    """One more API key of the project, with these scopes."""
    api_key = new_api_key()
    async with database.transaction() as session:
        await session.execute(
            insert(ApiKeyRow).values(
                project_id=project.project_id,
                digest=digest_of(api_key),
                prefix=shown_prefix(api_key),
                sealed=b"not shown in tests",
                label=" ".join(scopes),
                scopes=list(scopes),
                active=active,
            )
        )
    return api_key
