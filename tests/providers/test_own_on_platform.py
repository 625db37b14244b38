"""A provider added by one folder while the platform runs, and one that comes with a deploy: connected and read."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conjunct.core.database import Database
from tests.connectors.scripted import Received, ScriptedProvider, scripted_provider
from tests.support.platform import Platform, running_platform

DEFINITION = """
spec: conjunct/provider@1
name: NAME
display: Acme
base_url: https://acme.test
auth: {type: apiKey, name: X-Key}
defaults:
  read:
    request: {path: "/{object}", query: {cursor: "{cursor}"}}
    records: data
    page: {style: cursor, at: next}
objects: {things: {}}
"""
CODE = "from conjunct.connectors import Quirks\nclass Mine(Quirks):\n    pass\n"


@pytest.fixture
async def acme() -> AsyncIterator[ScriptedProvider]:
    """The provider's API: two pages."""
    async with scripted_provider() as provider:
        provider.answer = answer
        yield provider


def answer(received: Received) -> dict[str, Any]:
    assert received.headers["X-Key"] == "key-1"
    if "cursor" in received.query:
        return {"data": [{"id": 9007199254740993, "name": "Second"}]}
    return {"data": [{"id": 1, "name": "First"}], "next": "2"}


@pytest.fixture
async def platform(database: Database, tmp_path: Path, acme: ScriptedProvider) -> AsyncIterator[Platform]:
    overrides = tmp_path / "own-overrides.yaml"
    overrides.write_text(yaml.safe_dump(dict.fromkeys(("acme", "deployed"), acme.url)))
    (tmp_path / "providers").mkdir()
    settings: dict[str, Any] = {"provider_overrides": overrides, "providers_dir": tmp_path / "providers"}
    async with running_platform(database, tmp_path, **settings) as running:
        yield running


def manifest(provider: str) -> str:
    things = {
        "objectName": "things",
        "mapToName": "people",
        "destination": "people-webhook",
        "requiredFields": [{"fieldName": "name"}],
    }
    entry = {"name": f"our-{provider}", "provider": provider, "read": {"objects": [things]}}
    return yaml.safe_dump({"specVersion": "1.0.0", "integrations": [entry]})


async def upload(platform: Platform, files: dict[str, str]) -> str:
    """Upload a zip as the vendor's command does; gives its address for a deploy."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    body = content.getvalue()
    md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    signed = (await platform.client.get("/v1/generate-upload-url", params={"md5": md5})).json()
    place = signed["url"][signed["url"].index("/v1/") :]  # the test's port is not the one in the settings
    put = await platform.client.put(place, content=body, headers={"Content-MD5": md5})
    assert put.status_code == 200, put.text
    return f"gs://{signed['bucket']}{signed['path']}"


async def use(platform: Platform, integration: str, provider: str) -> list[str]:
    """Connect, install and read; gives the ids that were delivered."""
    platform.integration = integration
    body = {"provider": provider, "groupRef": "acme", "consumerRef": "ada", "apiKey": "key-1"}
    await platform.send("POST", "/connections:generate", 201, json=body)
    await platform.install()
    operation = await platform.trigger()
    assert (await platform.ended(operation))["status"] == "success"
    return platform.delivered(operation)


async def deploy(platform: Platform, status: int = 200, **source: str) -> Any:
    return await platform.send("PUT", "/integrations:batch", status, json=source)


async def test_own_providers_at_run_time(platform: Platform, tmp_path: Path):
    receiver = {"name": "people-webhook", "type": "webhook", "metadata": {"url": platform.receiver.url}}
    await platform.send("POST", "/destinations", 201, json=receiver)
    shown = await platform.send("GET", "/destinations/people-webhook?includeSecrets=true", 200)
    platform.receiver.trust(shown["secrets"]["webhookSigningKey"])

    # One folder, and nothing else: no restart.
    await deploy(platform, 422, sourceYaml=manifest("acme"))
    folder = tmp_path / "providers" / "acme"
    folder.mkdir()
    (folder / "provider.yaml").write_text(DEFINITION.replace("NAME", "acme"))
    async with asyncio.timeout(30):
        while (await platform.client.get("/v1/providers/acme")).status_code != 200:  # noqa: ASYNC110 - a folder has no events
            await asyncio.sleep(0.02)
    deployed = await deploy(platform, sourceYaml=manifest("acme"))
    assert await use(platform, deployed[0]["id"], "acme") == ["1", "9007199254740993"]

    # With a deploy: the project's own, and nobody else's.
    own = {"amp.yaml": manifest("deployed"), "providers/deployed/provider.yaml": DEFINITION.replace("NAME", "deployed")}
    planned = await platform.send("POST", "/integrations:plan", 200, json={"sourceZipUrl": await upload(platform, own)})
    assert [each["kind"] for each in planned["integrations"]][:1] == ["created"]
    assert (await platform.client.get("/v1/providers/deployed")).status_code == 404  # a plan keeps nothing
    deployed = await deploy(platform, sourceZipUrl=await upload(platform, own))
    assert await use(platform, deployed[0]["id"], "deployed") == ["1", "9007199254740993"]
    await deploy(platform, sourceYaml=manifest("deployed"))  # it stays, though this has none beside it
    async with platform.services.database.transaction() as session:
        other = await platform.services.tenants.create_org_and_project(
            session, org="other", project="other", app_name="Other"
        )
    elsewhere = {"X-Api-Key": other.api_key}
    for headers, expected in (({}, 200), (elsewhere, 404), ({"X-Api-Key": "nonsense"}, 404)):
        found = await platform.client.get("/v1/providers/deployed", headers=headers)
        assert found.status_code == expected
        listed = await platform.client.get("/v1/providers", headers=headers)
        assert ("deployed" in listed.json(), "acme" in listed.json()) == (expected == 200, True)
        assert ("private" in listed.headers["Cache-Control"]) == (expected == 200)
    path = "/v1/projects/other"
    refused = await platform.client.put(
        f"{path}/integrations:batch", json={"sourceYaml": manifest("deployed")}, headers=elsewhere
    )
    assert refused.status_code == 422
    body = {"provider": "deployed", "groupRef": "g", "consumerRef": "c", "apiKey": "key-1"}
    refused = await platform.client.post(f"{path}/connections:generate", json=body, headers=elsewhere)
    assert refused.json()["type"].endswith("/no-such-provider")

    # Changed by the next deploy, for what is asked from then on.
    own["providers/deployed/provider.yaml"] = own["providers/deployed/provider.yaml"].replace("Acme", "Changed")
    await deploy(platform, sourceZipUrl=await upload(platform, own))
    assert (await platform.client.get("/v1/providers/deployed")).json()["displayName"] == "Changed"


async def test_what_a_deploy_may_not_bring(platform: Platform):
    good = DEFINITION.replace("NAME", "deployed")
    for files, name, detail in (
        ({"deployed/quirks.py": CODE}, "providers/deployed/quirks.py", "code is not taken"),
        ({"hubspot/provider.yaml": good}, "providers/hubspot/provider.yaml", "all projects have"),
        ({"other/provider.yaml": good}, "providers/other/provider.yaml", "it is named 'deployed'"),
        ({"deployed/provider.yaml": good.replace("display", "dsplay")}, "provider.yaml: dsplay", "there is no key"),
        ({"deployed/provider.yaml": good.replace("https://acme.test", "{host}")}, "provider.yaml: base_url", ""),
    ):
        archive = {f"a/providers/{path}": text for path, text in files.items()} | {"a/amp.yaml": manifest("deployed")}
        problem = await deploy(platform, 422, sourceZipUrl=await upload(platform, archive))
        assert any(name in issue["name"] and detail in issue["detail"] for issue in problem["issues"]), problem
        assert (await platform.client.get("/v1/providers/deployed")).status_code == 404
    # The same text that all have is no news; the others' base URLs never lead into the operator's network.
    builtin = (Path(__file__).parents[2] / "src/conjunct/providers/redmine/provider.yaml").read_text()
    private = DEFINITION.replace("NAME", "inside").replace("https://acme.test", "http://10.0.0.1:8080")
    archive = {
        "amp.yaml": manifest("inside"),
        "providers/redmine/provider.yaml": builtin,
        "providers/inside/provider.yaml": private.replace("objects:", "check: {path: /me}\nobjects:"),
    }
    await deploy(platform, sourceZipUrl=await upload(platform, archive))
    body = {"provider": "inside", "groupRef": "acme", "consumerRef": "ada", "apiKey": "key-1"}
    made = await platform.send("POST", "/connections:generate", 201, json=body)
    refused = await platform.client.post(f"{platform.project}/connections/{made['id']}:check")
    assert "10.0.0.1: it is in a network that requests may not go to" in refused.text
