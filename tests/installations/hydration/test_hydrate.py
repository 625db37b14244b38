"""A revision hydrated over HTTP from a simulated HubSpot: what it says, whom it is for, how often HubSpot is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from conjunct.connectors import FieldMetadata, ObjectSchema
from conjunct.core.database import Database
from conjunct.installations.hydration.service import describe_all
from conjunct.tenants.models import JwtKeyRow
from tests.support.platform import Platform, running_platform
from tests.support.tokens import customer_token, public_pem

KID = "b9a0b1b2-7d1e-4c5c-8f6d-3a0a3f7c6d5e"


def manifest(*objects: str, name: str = "crm", provider: str = "hubspot", **more: Any) -> dict[str, Any]:
    read = [
        {"objectName": each, "destination": "people-webhook", "schedule": "0 * * * *", **more}
        for each in objects or ("contacts", "companies")
    ]
    integration = {"name": name, "provider": provider, "read": {"objects": read}}
    return {"specVersion": "1.0.0", "integrations": [integration]}


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database, tmp_path, worker=False) as running:
        await running.deploy(manifest(requiredFields=[{"fieldName": "name"}, {"fieldName": "email"}]))
        await running.connect()
        yield running


async def revision(platform: Platform, integration: str = "crm") -> str:
    found: str = (await platform.send("GET", f"/integrations/{integration}", 200))["latestRevision"]["id"]
    return found


async def hydrate(
    platform: Platform,
    *,
    connection: str | None = None,
    revision_id: str | None = None,
    integration: str = "crm",
    status: int = 200,
    **options: Any,
) -> Any:
    where = f"/integrations/{integration}/revisions/{revision_id or await revision(platform, integration)}:hydrate"
    query = {"connectionId": connection or platform.connection}
    return await platform.send("GET", where, status, params=query, **options)


def described(platform: Platform) -> int:
    """How often HubSpot was asked for the fields of an object."""
    asked: dict[str, int] = platform.hubspot.journal.stats()["requestsByRoute"]
    return asked.get("GET /crm/v3/properties/{object}", 0)


def objects(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["objectName"]: each for each in answer["content"]["read"]["objects"]}


async def change_connection(platform: Platform, **values: Any) -> None:
    masks = list(values)
    body = {"updateMask": masks, "connection": values}
    await platform.send("PATCH", f"/connections/{platform.connection}", 200, json=body)


async def test_the_objects_have_the_fields_of_the_account(platform):
    latest = (await platform.send("GET", "/integrations/crm", 200))["latestRevision"]
    answer = await hydrate(platform)
    assert {key: answer[key] for key in ("id", "specVersion", "createTime")} == {
        key: latest[key] for key in ("id", "specVersion", "createTime")
    }
    assert set(answer) == {"id", "specVersion", "createTime", "content"}
    assert (answer["content"]["name"], answer["content"]["provider"]) == ("crm", "hubspot")
    found = objects(answer)
    assert found["contacts"]["displayName"] == "Contacts"
    assert found["contacts"]["allFieldsMetadata"]["email"]["displayName"] == "Email"
    assert {"fieldName": "email", "displayName": "Email"} in found["contacts"]["requiredFields"]
    assert {"fieldName": "name", "displayName": "Company name"} in found["companies"]["requiredFields"]
    listed = await platform.send("GET", "/providers/hubspot/objects/contacts/metadata?groupRef=acme", 200)
    assert found["contacts"]["allFieldsMetadata"] == listed["fields"]


async def test_a_hundred_at_once_ask_the_provider_once_and_so_do_later_ones(platform):
    latest = await revision(platform)
    answers = await asyncio.gather(*(hydrate(platform, revision_id=latest) for _ in range(100)))
    assert all(answer == answers[0] for answer in answers)
    assert described(platform) == 2
    assert await hydrate(platform, integration=platform.integration) == answers[0]
    assert described(platform) == 2


async def test_other_credentials_or_another_account_are_asked_anew(platform):
    await hydrate(platform)
    await change_connection(platform, providerMetadata={"plan": {"value": "gold", "source": "input"}})
    await hydrate(platform)
    assert described(platform) == 4
    async with platform.services.database.transaction() as session:
        await platform.services.connections.mark_working(session, platform.project_id, platform.connection)
    await hydrate(platform)
    assert described(platform) == 4, "a new status changes nothing of what the account holds"
    first = platform.connection
    await platform.connect()
    await hydrate(platform)
    assert described(platform) == 6
    await hydrate(platform, connection=first)
    assert described(platform) == 6
    platform.services.hydrator.forget(first)
    await hydrate(platform, connection=first)
    await hydrate(platform)
    assert described(platform) == 8


async def test_another_revision_is_another_answer(platform):
    before = await revision(platform)
    await hydrate(platform)
    yaml_text = yaml.safe_dump(manifest("deals"))
    await platform.send("PUT", "/integrations:batch?destructive=true", 200, json={"sourceYaml": yaml_text})
    assert set(objects(await hydrate(platform))) == {"deals"}
    assert set(objects(await hydrate(platform, revision_id=before))) == {"contacts", "companies"}
    assert described(platform) == 3


async def test_an_object_that_the_provider_lacks_has_its_words_and_the_answer_is_not_kept(platform):
    yaml_text = yaml.safe_dump(manifest("contacts", "p_unknown"))
    await platform.send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml_text})
    for asked in (2, 4):
        found = objects(await hydrate(platform))
        assert "error" not in found["contacts"]
        assert "p_unknown" in found["p_unknown"]["error"]
        assert found["p_unknown"]["allFields"] == []
        assert described(platform) == asked


async def test_bad_credentials_are_told_by_every_object(platform):
    platform.hubspot.faults.set(["401:1"])
    found = objects(await hydrate(platform))
    assert all("connect again" in each["error"] for each in found.values())
    assert described(platform) == 2
    platform.hubspot.faults.set(["503:1"])
    found = objects(await hydrate(platform))
    assert all(each["error"] for each in found.values())
    platform.hubspot.faults.set([])
    assert not any("error" in each for each in objects(await hydrate(platform)).values())


async def test_what_is_not_there_is_a_404(platform):
    other = manifest("contacts", name="other")
    await platform.send("PUT", "/integrations:batch", 200, json={"sourceYaml": yaml.safe_dump(other)})
    for more in (
        {"connection": "nosuch"},
        {"revision_id": "nosuch"},
        {"revision_id": await revision(platform, "other")},
        {"integration": "nosuch", "revision_id": await revision(platform)},
    ):
        refused = await hydrate(platform, status=404, **more)
        assert refused["type"].endswith("-not-found")
    assert described(platform) == 0


async def test_a_connection_is_needed_and_one_to_the_right_provider(platform):
    where = f"/integrations/crm/revisions/{await revision(platform)}:hydrate"
    refused = await platform.send("GET", where, 400)
    assert [issue["name"] for issue in refused["issues"]] == ["connectionId"]
    body = {
        "provider": "redmine",
        "groupRef": "acme",
        "consumerRef": "ada",
        "apiKey": "k",
        "providerWorkspaceRef": "https://redmine.example.com",
    }
    redmine = (await platform.send("POST", "/connections:generate", 201, json=body))["id"]
    refused = await hydrate(platform, connection=redmine, status=422)
    assert [(issue["in"], issue["name"]) for issue in refused["issues"]] == [("query", "connectionId")]
    assert described(platform) == 0


async def test_what_is_kept_is_shown_to_nobody_else(platform, database):
    async with database.transaction() as session:
        session.add(
            JwtKeyRow(id=KID, project_id=platform.project_id, label="k", algorithm="RS256", public_key_pem=public_pem())
        )
        other = await platform.services.tenants.create_org_and_project(
            session, org="other", project="other", app_name="Other"
        )
    await hydrate(platform)
    where = f"/integrations/crm/revisions/{await revision(platform)}:hydrate?connectionId={platform.connection}"

    async def ask(project: str, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(base_url=platform.client.base_url, headers=headers) as client:
            return await client.get(f"/v1/projects/{project}{where}")

    own, stranger = ({"Authorization": f"Bearer {customer_token(KID, group, 'ada')}"} for group in ("acme", "globex"))
    assert (await ask("default", own)).status_code == 200
    hidden = await ask("default", stranger)
    assert (hidden.status_code, hidden.json()["type"].rpartition("/")[2]) == (404, "connection-not-found")
    for project in ("default", "other"):
        assert (await ask(project, {"X-Api-Key": other.api_key})).status_code == 404
    assert described(platform) == 2


async def test_a_provider_that_is_slow_with_one_object_does_not_hold_up_the_others():
    class Slow:
        async def describe(self, object_name: str) -> ObjectSchema:
            if object_name == "slow":
                await asyncio.Event().wait()
            return ObjectSchema(object_name, "X", {"f": FieldMetadata("f", "F")})

    found = await describe_all(Slow(), ["a", "slow", "b"], 0.05)
    assert found["slow"] == "The provider did not answer in time."
    assert isinstance(found["a"], ObjectSchema)
    assert isinstance(found["b"], ObjectSchema)
