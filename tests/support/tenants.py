"""Projects to test in."""

from __future__ import annotations

from conjunct.core.database import Database
from conjunct.tenants import NewProject, ProjectKeys, TenantService


async def make_project(database: Database, keys: ProjectKeys, name: str = "default") -> NewProject:
    """A project of this name in an org of its own, with an API key of the scope `full`."""
    async with database.transaction() as session:
        return await TenantService(keys).create_org_and_project(session, org=f"{name} org", project=name, app_name=name)
