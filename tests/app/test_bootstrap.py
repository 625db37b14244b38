"""The first start makes one project, and one file that tells its owner how to reach it."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from conjunct.app.bootstrap import bootstrap, update_bootstrap_url, write_bootstrap_file
from conjunct.app.first_start import prepare_database
from conjunct.core.database import Database
from conjunct.core.encryption import Keyring, new_key
from conjunct.core.settings import Settings
from conjunct.tenants import Authenticator, NewProject, ProjectKeys, TenantService

PROJECT = NewProject(org_id="o", project_id="p", project_name="default", api_key="cj_key")


@pytest.fixture
def tenants() -> TenantService:
    return TenantService(ProjectKeys(Keyring({"k1": new_key()}, current="k1")))


def told(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "bootstrap.json").read_text())
    return content


def print_nothing(project: NewProject) -> None:
    """Keep the key nowhere."""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_it_makes_a_project_whose_key_opens_it(database: Database, tenants: TenantService) -> None:
    made = await bootstrap(database, tenants, print_nothing)
    assert made is not None
    assert made.project_name == "default"
    caller = await Authenticator(database).authenticate(api_key=made.api_key)
    assert (caller.project_id, caller.scopes) == (made.project_id, frozenset({"full"}))
    assert made.api_key not in repr(made)


async def test_a_second_time_makes_nothing(database: Database, tenants: TenantService) -> None:
    await bootstrap(database, tenants, print_nothing)
    assert await bootstrap(database, tenants, print_nothing) is None
    assert await _projects(database) == 1


async def test_a_key_that_cannot_be_kept_leaves_no_project(database: Database, tenants: TenantService) -> None:
    def fail(project: NewProject) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        await bootstrap(database, tenants, fail)
    assert await _projects(database) == 0


async def test_processes_that_start_at_once_make_one_project(database: Database, tenants: TenantService) -> None:
    made = await asyncio.gather(*(bootstrap(database, tenants, print_nothing) for _ in range(5)))
    assert sum(project is not None for project in made) == 1
    assert await _projects(database) == 1


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = write_bootstrap_file(tmp_path, "http://127.0.0.1:8080", PROJECT)
    assert path == tmp_path / "bootstrap.json"
    assert mode(path) == 0o600
    assert told(tmp_path) == {
        "url": "http://127.0.0.1:8080",
        "projectId": "p",
        "projectName": "default",
        "apiKey": "cj_key",
    }
    assert [file.name for file in tmp_path.iterdir()] == ["bootstrap.json"]


def test_the_file_replaces_another_and_what_an_interrupted_write_left(tmp_path: Path) -> None:
    (tmp_path / "bootstrap.json").write_text("{}")
    (tmp_path / "bootstrap.json").chmod(0o644)
    (tmp_path / "bootstrap.tmp").write_text("half")
    path = write_bootstrap_file(tmp_path, "http://127.0.0.1:8080", PROJECT)
    assert mode(path) == 0o600
    assert told(tmp_path)["apiKey"] == "cj_key"


def test_a_new_address_changes_nothing_else(tmp_path: Path) -> None:
    path = write_bootstrap_file(tmp_path, "http://127.0.0.1:8080", PROJECT)
    before = told(tmp_path)
    update_bootstrap_url(tmp_path, "http://127.0.0.1:9090")
    assert told(tmp_path) == {**before, "url": "http://127.0.0.1:9090"}
    assert mode(path) == 0o600


@pytest.mark.parametrize("content", ["", "not json", "[]"])
def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "bootstrap.json").write_text(content)
    update_bootstrap_url(tmp_path, "http://127.0.0.1:9090")
    assert (tmp_path / "bootstrap.json").read_text() == content


def test_without_a_file_there_is_none_to_update(tmp_path: Path) -> None:
    update_bootstrap_url(tmp_path, "http://127.0.0.1:9090")
    assert list(tmp_path.iterdir()) == []


async def test_preparing_a_database_tells_the_first_key_once(database: Database, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=database.dsn)
    made = await prepare_database(settings, url=None)
    assert made == tmp_path / "data" / "bootstrap.json"
    assert told(tmp_path / "data")["url"] == "http://127.0.0.1:8080"
    assert await prepare_database(settings, url="http://127.0.0.1:9") is None
    assert told(tmp_path / "data")["url"] == "http://127.0.0.1:9"


async def _projects(database: Database) -> int:
    async with database.reading() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM project")))
