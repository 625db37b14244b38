"""Orgs, projects, groups and consumers, and the keys of each project."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import select, text

from conjunct.core.database import Database
from conjunct.core.encryption import DecryptionFailed, Keyring, new_key
from conjunct.tenants import Authenticator, NewProject, ProjectKeys, TenantService, consumer_json, group_json
from conjunct.tenants.models import ApiKeyRow, ConsumerRow, GroupRow, ProjectKeyRow
from conjunct.tenants.projects.problems import ProjectInvalid
from tests.support.tenants import make_project

MASTER = Keyring({"m1": new_key()}, current="m1")


@pytest.fixture
def keys() -> ProjectKeys:
    return ProjectKeys(MASTER)


@pytest.fixture
def tenants(keys: ProjectKeys) -> TenantService:
    return TenantService(keys)


@pytest.fixture
async def project(database: Database, keys: ProjectKeys) -> NewProject:
    return await make_project(database, keys, "acme")


async def test_a_new_project_has_a_key_that_opens_it(database: Database, tenants: TenantService) -> None:
    async with database.transaction() as session:
        assert await tenants.has_projects(session) is False
        made = await tenants.create_org_and_project(session, org="Acme", project="acme", app_name="App")
        assert await tenants.has_projects(session) is True
    caller = await Authenticator(database).authenticate(api_key=made.api_key)
    assert (caller.project_id, caller.project_name, caller.scopes) == (made.project_id, "acme", frozenset({"full"}))
    assert made.api_key not in repr(made)


async def test_the_api_key_is_kept_only_as_a_digest_and_encrypted(
    database: Database, keys: ProjectKeys, project: NewProject
) -> None:
    async with database.transaction() as session:
        row = (await session.execute(select(ApiKeyRow))).scalar_one()
        whole = await session.scalar(text("SELECT k::text FROM api_key k"))
        assert project.api_key.startswith(row.prefix)
        assert project.api_key not in whole
        assert project.api_key.encode().hex() not in whole
        keyring = await keys.keyring(session, project.project_id)
        assert keyring.decrypt(row.sealed, f"api_key:{row.id}:sealed").decode() == project.api_key


async def test_a_project_name_is_taken_once_in_an_org(
    database: Database, tenants: TenantService, keys: ProjectKeys, project: NewProject
) -> None:
    with pytest.raises(ProjectInvalid):
        async with database.transaction() as session:
            await tenants.create_project(session, org_id=project.org_id, name="ACME", app_name="App")
    elsewhere = await make_project(database, keys, "acme")
    assert elsewhere.org_id != project.org_id


async def test_a_group_is_made_once_and_renamed(
    database: Database, tenants: TenantService, project: NewProject
) -> None:
    async with database.transaction() as session:
        made = await tenants.ensure_group(session, project.project_id, "g-1", None)
        assert await tenants.ensure_group(session, project.project_id, "g-1", "Group One") == made
        assert await tenants.ensure_group(session, project.project_id, "g-1", None) == made
        rows = (await session.execute(select(GroupRow.group_ref, GroupRow.group_name))).all()
        assert rows == [("g-1", "Group One")]
        assert await tenants.find_group(session, project.project_id, "g-1") == made
        assert await tenants.find_group(session, project.project_id, "g-2") is None


async def test_a_consumer_is_made_once_and_renamed(
    database: Database, tenants: TenantService, project: NewProject
) -> None:
    async with database.transaction() as session:
        made = await tenants.ensure_consumer(session, project.project_id, "c-1", "Ann")
        assert await tenants.ensure_consumer(session, project.project_id, "c-1", None) == made
        assert await tenants.ensure_consumer(session, project.project_id, "c-1", "Anna") == made
        rows = (await session.execute(select(ConsumerRow.consumer_ref, ConsumerRow.consumer_name))).all()
        assert rows == [("c-1", "Anna")]


async def test_each_project_has_groups_and_consumers_of_its_own(
    database: Database, tenants: TenantService, keys: ProjectKeys, project: NewProject
) -> None:
    other = await make_project(database, keys, "rival")
    async with database.transaction() as session:
        mine = await tenants.ensure_group(session, project.project_id, "g-1", "Mine")
        assert await tenants.find_group(session, other.project_id, "g-1") is None
        assert await tenants.ensure_group(session, other.project_id, "g-1", "Theirs") != mine
        first = await tenants.ensure_consumer(session, project.project_id, "c-1", None)
        assert await tenants.ensure_consumer(session, other.project_id, "c-1", None) != first
        names = (await session.execute(select(GroupRow.group_name).order_by(GroupRow.group_name))).scalars().all()
        assert names == ["Mine", "Theirs"]


async def test_many_at_once_make_one_group_and_one_consumer(
    database: Database, tenants: TenantService, project: NewProject
) -> None:
    async def ensure() -> tuple[str, str]:
        async with database.transaction() as session:
            return (
                await tenants.ensure_group(session, project.project_id, "g-1", "One"),
                await tenants.ensure_consumer(session, project.project_id, "c-1", "One"),
            )

    assert len(set(await asyncio.gather(*(ensure() for _ in range(10))))) == 1


async def test_groups_and_consumers_on_the_wire(
    database: Database, tenants: TenantService, project: NewProject
) -> None:
    async with database.transaction() as session:
        await tenants.ensure_group(session, project.project_id, "g-1", "Group One")
        await tenants.ensure_consumer(session, project.project_id, "c-1", "Ann")
        group = json.loads(await session.scalar(text(f"SELECT {group_json('g')}::text FROM customer_group g")) or "")
        consumer = json.loads(await session.scalar(text(f"SELECT {consumer_json('u')}::text FROM consumer u")) or "")
    assert (group.pop("groupRef"), group.pop("groupName")) == ("g-1", "Group One")
    assert (consumer.pop("consumerRef"), consumer.pop("consumerName")) == ("c-1", "Ann")
    for shown in (group, consumer):
        assert set(shown) == {"projectId", "createTime", "updateTime"}
        assert shown["projectId"] == project.project_id
        assert shown["createTime"] == shown["updateTime"]
        assert shown["createTime"].endswith("Z")


async def test_what_one_project_seals_no_other_opens(
    database: Database, keys: ProjectKeys, project: NewProject
) -> None:
    other = await make_project(database, keys, "rival")
    async with database.transaction() as session:
        mine = await keys.keyring(session, project.project_id)
        theirs = await keys.keyring(session, other.project_id)
    sealed = mine.encrypt(b"secret", "place")
    assert mine.decrypt(sealed, "place") == b"secret"
    with pytest.raises(DecryptionFailed):
        theirs.decrypt(sealed, "place")


async def test_keys_open_again_in_another_process_with_the_same_master_key_only(
    database: Database, keys: ProjectKeys, project: NewProject
) -> None:
    async with database.transaction() as session:
        sealed = (await keys.keyring(session, project.project_id)).encrypt(b"secret", "place")
        elsewhere = await ProjectKeys(MASTER).keyring(session, project.project_id)
        assert elsewhere.decrypt(sealed, "place") == b"secret"
        with pytest.raises(DecryptionFailed):
            await ProjectKeys(Keyring({"m1": new_key()}, current="m1")).keyring(session, project.project_id)


async def test_the_newest_key_seals_and_the_older_ones_still_open(
    database: Database, keys: ProjectKeys, project: NewProject
) -> None:
    async with database.transaction() as session:
        sealed = (await keys.keyring(session, project.project_id)).encrypt(b"secret", "place")
        keys.make(session, project.project_id)
        await session.flush()
        newest = (await session.execute(select(ProjectKeyRow.id).order_by(ProjectKeyRow.id.desc()))).scalars().first()
        rotated = await ProjectKeys(MASTER).keyring(session, project.project_id)
    assert rotated.current == newest
    assert rotated.decrypt(sealed, "place") == b"secret"
    assert rotated.encrypt(b"secret", "place").split(b"|")[1].decode() == newest
