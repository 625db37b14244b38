"""An object's fields, asked of the provider for a group."""

from __future__ import annotations

from typing import Any

import pytest

from tests.installations.conftest import CONTACTS, manifest

FIELDS = {
    "email": {"fieldName": "email", "displayName": "Email of contacts"},
    "id": {"fieldName": "id", "displayName": "Id", "readOnly": True},
}


@pytest.fixture
async def ready(world):
    await world.deploy(manifest(CONTACTS))
    await world.connect()
    await world.install(skipSampling=True)
    return world


async def ask(world, owner: str, name: str, home: str | None = None, headers: dict[str, str] | None = None, **query):
    url = f"{home or world.home}/{owner}/objects/{name}/metadata"
    return await world.client.get(url, params={"groupRef": "g1", **query}, headers=headers)


def known(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The parts of each field that the provider told."""
    told = ("fieldName", "displayName", "readOnly")
    return {name: {key: each[key] for key in told if each.get(key)} for name, each in answer["fields"].items()}


async def test_by_connection(ready):
    answer = await ask(ready, "providers/acme", "contacts")
    assert answer.status_code == 200
    assert answer.json()["name"] == "contacts"
    assert "mappedObjectName" not in answer.json()
    assert known(answer.json()) == FIELDS


@pytest.mark.parametrize("name", ["contacts", "people"])
async def test_by_installation_under_either_name(ready, name):
    answer = (await ask(ready, "integrations/crm", name)).json()
    assert (answer["name"], answer["mappedObjectName"]) == ("contacts", "people")
    assert known(answer) == FIELDS
    assert [path for path, _ in ready.provider.asked] == ["/contacts/fields"]


async def test_an_object_that_the_manifest_lacks_can_be_described_too(ready):
    answer = (await ask(ready, "integrations/crm", "tickets")).json()
    assert answer["name"] == "tickets"
    assert "mappedObjectName" not in answer


@pytest.mark.parametrize("owner", ["providers/acme", "integrations/crm"])
async def test_fields_that_cannot_be_written_can_be_left_out(ready, owner):
    answer = (await ask(ready, owner, "contacts", excludeReadOnly=True)).json()
    assert list(answer["fields"]) == ["email"]


@pytest.mark.parametrize("owner", ["providers/acme", "integrations/crm"])
async def test_what_is_not_there_is_a_404(ready, owner):
    assert (await ask(ready, owner, "leads")).status_code == 404
    assert (await ask(ready, owner, "contacts", groupRef="g2")).status_code == 404
    assert (await ask(ready, f"{owner}x", "contacts")).status_code == 404
    theirs = {"X-Api-Key": ready.other.api_key}
    home = f"/v1/projects/{ready.other.project_id}"
    assert (await ask(ready, owner, "contacts", home, theirs)).status_code == 404
    assert ready.provider.asked == []


@pytest.mark.parametrize("owner", ["providers/acme", "integrations/crm"])
@pytest.mark.parametrize(
    ("status", "answered", "retryable"), [(400, 422, False), (401, 422, False), (429, 503, True), (500, 503, True)]
)
async def test_a_provider_that_does_not_answer_is_quoted(ready, owner, status, answered, retryable):
    ready.provider.answers["contacts"] = (status, "Not today")
    refused = await ask(ready, owner, "contacts")
    assert refused.status_code == answered
    assert "Not today" in refused.json()["detail"]
    assert refused.json()["retryable"] is retryable
    assert ("Retry-After" in refused.headers) is retryable
