"""The first start: an org with a builder and a project, their credentials, and a file that tells them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.tenants import NewProject, TenantService

FILE = "bootstrap.json"
_LOCK = 0x636F6E6B


async def bootstrap(
    database: Database, tenants: TenantService, tell: Callable[[NewProject], object]
) -> NewProject | None:
    """Make the org, its owner, the project `default` and its key where the database has no project yet; else None.

    `tell` keeps the credentials, which nothing shows again; it is called before the project is committed, so that a
    crash between the two leaves no project whose key nobody knows.
    """
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if await tenants.has_projects(session):
            return None
        made = await tenants.create_org_and_project(session, org="default", project="default", app_name="My product")
        made = replace(made, builder_token=await tenants.create_first_builder(session, made.org_id))
        tell(made)
        return made


def write_bootstrap_file(data_dir: Path, url: str, project: NewProject) -> Path:
    """Write how to reach the new project, for its owner's eyes only (mode 0600)."""
    path = data_dir / FILE
    content = {
        "url": url,
        "projectId": project.project_id,
        "projectName": project.project_name,
        "apiKey": project.api_key,
    }
    if project.builder_token is not None:
        content["builderToken"] = project.builder_token
    _replace(path, content)
    return path


def update_bootstrap_url(data_dir: Path, url: str) -> None:
    """Keep the file's address true when the server moves to another port; a file that is not ours stays as it is."""
    path = data_dir / FILE
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return
    if isinstance(content, dict) and content.get("url") != url:
        _replace(path, {**content, "url": url})


def _replace(path: Path, content: dict[str, str]) -> None:
    """Write the file as a whole: whoever reads it, even after a crash, finds the old one or the new one."""
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
