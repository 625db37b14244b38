"""What writes can beyond the specification: upserts, keys against repeats, dry runs; and who may write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from conjunct.simulators import serve as simulate
from tests.actions.read.test_large_backfill import CONNECTION
from tests.actions.write.test_write import CREATE, writing
from tests.support.platform import Platform, running_platform
from tests.support.reading import contacts, rows
from tests.support.tokens import customer_token, public_pem

WRITE = "/write/v1/projects/default/integrations/crm/objects"


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform with an installation that writes contacts."""
    few = SimulatorOptions(records=20)
    async with running_platform(database, tmp_path, worker=False, simulated=few) as platform:
        await platform.deploy(writing())
        await platform.connect()
        await platform.install({}, skipSampling="true")
        platform.hubspot.journal.reset()
        yield platform


async def answered(platform: Platform, body: Any, status: int = 200, name: str = "contacts", **options: Any) -> Any:
    """The body of the answer to a write."""
    answer = await platform.client.post(f"{WRITE}/{name}", json={"groupRef": "acme", **body}, **options)
    assert answer.status_code == status, answer.text
    return answer.json() if "json" in answer.headers["content-type"] else answer.text


async def test_an_upsert_finds_a_record_by_a_fields_value_or_makes_it(platform: Platform) -> None:
    known = next(iter((await contacts(platform, "email")).values()))
    platform.hubspot.journal.reset()
    records = [
        {"email": known["properties"]["email"], "title": "CEO"},
        {"email": "new@example.com", "title": "CTO"},
    ]
    body = {"type": "upsert", "externalIdField": "email", "batch": [{"record": each} for each in records]}
    told = await answered(platform, body)
    assert [each["success"] for each in told["results"]] == [True, True]
    assert told["results"][0]["recordId"] == known["id"]
    [request] = platform.hubspot.journal.last(10)
    assert request.path == "/crm/v3/objects/contacts/batch/upsert"
    inputs = orjson.loads(request.body)["inputs"]
    assert [(each["id"], each["idProperty"]) for each in inputs] == [(each["email"], "email") for each in records]
    assert [each["properties"] for each in inputs] == [{"jobtitle": "CEO"}, {"jobtitle": "CTO"}]

    # One alone goes the same way; the key may be named as it is mapped.
    told = await answered(platform, {**body, "batch": None, "record": records[0]})
    assert told["result"]["recordId"] == known["id"]
    assert len(await contacts(platform)) == 21


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"type": "upsert", "record": {"email": "a"}}, "externalIdField"),
        ({"type": "upsert", "externalIdField": "email", "record": {"title": "a"}}, "record.email"),
        ({"type": "upsert", "externalIdField": "", "record": {"": "a"}}, "externalIdField"),
        ({"type": "create", "externalIdField": "email", "record": {"email": "a"}}, "externalIdField"),
        ({"type": "create", "idempotencyKey": "", "record": {"email": "a"}}, "idempotencyKey"),
    ],
)
async def test_an_upsert_without_its_key_is_refused(platform: Platform, body: dict[str, Any], place: str) -> None:
    line = await answered(platform, body, 400)
    assert line.startswith(f"{place}: ")
    assert platform.hubspot.journal.last(10) == []


async def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(platform: Platform) -> None:
    batch = [{"record": {"title": "CEO"}}, {"record": {"title": "CTO"}}]
    told = await answered(platform, {"type": "create", "batch": batch}, params={"dryRun": "true"})
    [request] = told["requests"]
    assert told["dryRun"] is True
    assert (request["method"], request["headers"]["Authorization"]) == ("POST", "[secret]")
    assert request["url"] == f"{platform.hubspot.url}/crm/v3/objects/contacts/batch/create"
    assert [each["properties"] for each in request["body"]["inputs"]] == [{"jobtitle": "CEO"}, {"jobtitle": "CTO"}]
    assert platform.hubspot.journal.last(10) == []
    assert await rows(platform, "select 1 from operation where action_type = 'write'") == []
    refused = await answered(
        platform, {"type": "update", "record": {"id": "..", "title": "a"}}, 400, params={"dryRun": "1"}
    )
    assert "cannot stand in a path" in refused


async def test_a_providers_own_key_against_repeats_is_made_of_the_builders(platform: Platform) -> None:
    objects = [{"objectName": "customers"}]
    integration = {"name": "pay", "provider": "stripe", "write": {"objects": objects}}
    await platform.send(
        "PUT",
        "/integrations:batch",
        200,
        json={
            "sourceYaml": yaml.safe_dump(
                {"specVersion": "1.0.0", "integrations": [*writing()["integrations"], integration]}
            )
        },
    )
    connection = {"provider": "stripe", "groupRef": "acme", "consumerRef": "ada", "apiKey": "sk_planted_secret"}
    await platform.send("POST", "/connections:generate", 201, json=connection)
    await platform.send(
        "POST",
        "/integrations/pay/installations",
        201,
        json={
            "groupRef": "acme",
            "config": {"content": {"write": {"objects": {"customers": {"objectName": "customers"}}}}},
        },
    )
    path = "/write/v1/projects/default/integrations/pay/objects/customers?dryRun=true"

    async def keys(headers: dict[str, str], **body: Any) -> list[str]:
        asked = {"groupRef": "acme", "type": "create", **body}
        answer = await platform.client.post(path, json=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        assert "sk_planted_secret" not in answer.text
        return [each["headers"]["Idempotency-Key"] for each in answer.json()["requests"]]

    two = {"batch": [{"record": {"name": "A"}}, {"record": {"name": "B"}}]}
    first = await keys({"Idempotency-Key": "one"}, **two)
    assert len(set(first)) == 2
    assert max(map(len, first)) <= 45
    # Another request for the same: the answer is not one that was kept, and still the keys are the same.
    assert await keys({"Idempotency-Key": "one", "X-Api-Key": await another_key(platform)}, **two) == first
    assert set(await keys({"Idempotency-Key": "two"}, **two)).isdisjoint(first)
    [own] = await keys({}, record={"name": "A"}, idempotencyKey="one-0")
    assert own == first[0]


async def another_key(platform: Platform) -> str:
    made = await platform.send("POST", "/api-keys", 201, json={"label": "other", "scopes": ["full"]})
    key: str = made["key"]
    return key


async def test_frontends_write_only_where_the_project_says_so(platform: Platform) -> None:
    made = await platform.send("POST", "/api-keys", 201, json={"label": "page", "scopes": ["frontend"]})
    jwt_key = {"label": "k", "algorithm": "RS256", "publicKeyPem": public_pem()}
    registered = await platform.send("POST", "/jwt-keys", 201, json=jwt_key)
    own, foreign = (customer_token(registered["kid"], group, "ada") for group in ("acme", "globex"))
    page = {"X-Api-Key": made["key"]}
    tokens = [{"X-Api-Key": "", "Authorization": f"Bearer {each}"} for each in (own, foreign)]

    async def statuses() -> list[int]:
        posts = [platform.client.post(f"{WRITE}/contacts", json=CREATE, headers=each) for each in (page, *tokens)]
        return [(await post).status_code for post in posts]

    assert await statuses() == [403, 403, 403]
    assert platform.hubspot.journal.last(10) == []
    change = {"updateMask": ["frontendAccess"], "project": {"frontendAccess": ["proxy"]}}
    await platform.send("PATCH", "", 200, json=change)
    assert await statuses() == [403, 403, 403]
    change["project"] = {"frontendAccess": ["write"]}
    await platform.send("PATCH", "", 200, json=change)
    assert await statuses() == [200, 422, 403], "the second finds the address taken"


async def test_salesforce_writes_as_it_reads(database: Database, tmp_path: Path) -> None:
    overrides = tmp_path / "simulated.yaml"
    async with simulate("salesforce", SimulatorOptions(records=30)) as salesforce:
        overrides.write_text(yaml.safe_dump({"salesforce": salesforce.url}))
        async with running_platform(database, tmp_path, worker=False, provider_overrides=overrides) as platform:
            read = {
                "objectName": "Contact",
                "mapToName": "people",
                "destination": "people-webhook",
                "requiredFields": [{"fieldName": "Email"}, {"fieldName": "Title", "mapToName": "position"}],
            }
            write = {"objectName": "Contact", "inheritMapping": True}
            crm = {"name": "crm", "provider": "salesforce", "read": {"objects": [read]}, "write": {"objects": [write]}}
            await platform.deploy({"specVersion": "1.0.0", "integrations": [crm]})
            await platform.send("POST", "/connections:generate", 201, json=CONNECTION)
            settings = {"title": {"writeOnUpdate": "ifEmpty"}, "Email": {"writeOnUpdate": "never"}}
            chosen = {"objectName": "Contact", "deletionSettings": {"enabled": True}, "selectedFieldSettings": settings}
            await platform.install({"write": {"objects": {"Contact": chosen}}}, skipSampling="true")

            body = {"type": "create", "record": {"LastName": "L", "position": "CEO"}}
            headers = [{"key": "Sforce-Duplicate-Rule-Header", "value": "allowSave=true"}]
            made = await answered(platform, {**body, "headers": headers}, name="people")
            record_id = made["result"]["recordId"]
            [request] = salesforce.journal.last(1)
            assert (request.path, orjson.loads(request.body)) == (
                "/services/data/v60.0/sobjects/Contact",
                {"LastName": "L", "Title": "CEO"},
            )
            assert request.headers["Sforce-Duplicate-Rule-Header"] == "allowSave=true"

            # Salesforce takes the short form of an id, too, and answers the long one.
            change = {"id": record_id[:15], "position": "CTO", "email": "a@example.com", "LastName": "M"}
            await answered(platform, {"type": "update", "record": change}, name="people")
            assert orjson.loads(salesforce.journal.last(1)[0].body) == {"LastName": "M"}

            batch = [{"record": {"LastName": "A"}}, {"record": {"FirstName": "nameless"}}]
            whole = {"type": "create", "batch": batch, "batchPolicy": {"allOrNone": True}}
            told = await answered(platform, whole, 422, name="people")
            assert (told["successCount"], told["failureCount"]) == (0, 2)
            part = await answered(platform, {**whole, "batchPolicy": {"allOrNone": False}}, name="people")
            assert [each["success"] for each in part["results"]] == [True, False]
            await answered(platform, {"type": "delete", "record": {"id": record_id}}, name="people")
            assert salesforce.journal.last(1)[0].path.endswith(f"/sobjects/Contact/{record_id}")
