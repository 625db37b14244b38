"""Installations and connections: what is done to them through the API is told, signed, to who asked for it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.notifications.conftest import Notified
from tests.support.platform import Platform
from tests.support.reading import COMPANIES, RARELY, chosen, manifest
from tests.support.receiver import Receiver

ALL = (
    "installation.created",
    "installation.updated",
    "installation.deleted",
    "connection.created",
    "connection.updated",
    "connection.deleted",
)


def about_installation(platform: Platform) -> dict[str, Any]:
    """What every notification of the platform's installation tells."""
    return {
        "projectId": platform.project_id,
        "provider": "hubspot",
        "integrationId": platform.integration,
        "integrationName": "crm",
        "installationId": platform.installation,
        "connectionId": platform.connection,
        "groupRef": "acme",
        "groupName": "Acme Inc",
        "consumerRef": "ada",
        "consumerName": "Ada",
    }


def about_connection(platform: Platform) -> dict[str, Any]:
    """What every notification of the platform's connection tells."""
    return {
        "projectId": platform.project_id,
        "connectionId": platform.connection,
        "provider": "hubspot",
        "groupRef": "acme",
        "consumerRef": "ada",
        "consumerName": "Ada",
    }


async def config_of(platform: Platform) -> dict[str, Any]:
    shown = await platform.send("GET", f"/integrations/crm/installations/{platform.installation}", 200)
    content: dict[str, Any] = shown["config"]["content"]
    return content


async def patch(platform: Platform, **contacts: Any) -> None:
    """Change the config of the contacts."""
    body = {
        "updateMask": [f"config.content.read.objects.contacts.{key}" for key in contacts],
        "installation": {"config": {"content": {"read": {"objects": {"contacts": contacts}}}}},
    }
    path = f"/integrations/crm/installations/{platform.installation}?skipSampling=true"
    await platform.send("PATCH", path, 200, json=body)


async def test_the_life_of_an_installation_with_its_connection(notified: Notified, receiver: Receiver) -> None:
    platform = notified.platform
    ears = await notified.listen(receiver, *ALL)
    await platform.deploy(manifest())
    await platform.connect()
    assert await ears.hear("connection.created") == [about_connection(platform)]

    await platform.install(chosen("contacts"), skipSampling=True)
    first = await config_of(platform)
    assert await ears.hear("installation.created") == [{**about_installation(platform), "config": first}]

    await patch(platform, selectedFields={"phone": True})
    second = await config_of(platform)
    assert second != first
    updated = {**about_installation(platform), "config": second, "lastConfig": first}
    assert await ears.hear("installation.updated") == [updated]

    credentials = {"providerMetadata": {"plan": {"value": "gold", "source": "input"}}}
    body = {"updateMask": ["providerMetadata"], "connection": credentials}
    await platform.send("PATCH", f"/connections/{platform.connection}", 200, json=body)
    assert await ears.hear("connection.updated") == [about_connection(platform)]

    await platform.send("DELETE", f"/integrations/crm/installations/{platform.installation}", 204)
    assert await ears.hear("installation.deleted") == [{**about_installation(platform), "config": second}]
    assert await ears.hear("connection.deleted") == [about_connection(platform)]

    await notified.all_delivered()
    assert len(ears.heard()) == len(ALL)
    assert receiver.forged == []
    assert len(set(receiver.ids)) == len(ALL)


@pytest.fixture
async def installed(notified: Notified) -> Platform:
    """An installation that nobody is told of."""
    platform = notified.platform
    await platform.deploy(manifest())
    await platform.connect()
    await platform.install(chosen("contacts"), skipSampling=True)
    return platform


async def test_deleting_a_connection_tells_of_the_installations_that_go_with_it(
    notified: Notified, installed: Platform, receiver: Receiver
) -> None:
    ears = await notified.listen(receiver, *ALL)
    config = await config_of(installed)
    await installed.send("DELETE", f"/connections/{installed.connection}", 204)
    assert await ears.hear("connection.deleted") == [about_connection(installed)]
    assert await ears.hear("installation.deleted") == [{**about_installation(installed), "config": config}]
    await notified.all_delivered()
    assert len(ears.heard()) == 2


async def test_deleting_an_integration_tells_of_its_installations_and_leaves_the_connections(
    notified: Notified, installed: Platform, receiver: Receiver
) -> None:
    ears = await notified.listen(receiver, *ALL)
    await installed.send("DELETE", "/integrations/crm", 204)
    [data] = await ears.hear("installation.deleted")
    assert data["installationId"] == installed.installation
    await notified.all_delivered()
    assert len(ears.heard()) == 1


async def test_a_change_that_changes_nothing_is_not_told(
    notified: Notified, installed: Platform, receiver: Receiver
) -> None:
    ears = await notified.listen(receiver, *ALL)
    await patch(installed, selectedFields={})
    await patch(installed, selectedFields={"phone": True})
    [data] = await ears.hear("installation.updated")
    assert data["config"]["read"]["objects"]["contacts"]["selectedFields"] == {"phone": True}
    await notified.all_delivered()
    assert len(ears.heard()) == 1


async def test_following_a_deploy_is_told_only_where_it_changes_the_config(
    notified: Notified, receiver: Receiver
) -> None:
    platform = notified.platform
    await platform.deploy(manifest(COMPANIES))
    await platform.connect()
    await platform.install(chosen("contacts", "companies"), skipSampling=True)
    ears = await notified.listen(receiver, *ALL)

    async def deploy(content: dict[str, Any], **query: Any) -> None:
        await platform.send("PUT", "/integrations:batch", 200, json={"sourceYaml": _yaml(content)}, params=query)

    await deploy(manifest(COMPANIES, schedule="0 5 * * *"))
    await deploy(manifest(schedule=RARELY), destructive=True)
    [data] = await ears.hear("installation.updated")
    assert list(data["lastConfig"]["read"]["objects"]) == ["contacts", "companies"]
    assert list(data["config"]["read"]["objects"]) == ["contacts"]
    await notified.all_delivered()
    assert len(ears.heard()) == 1


async def test_a_config_too_large_for_a_message_goes_by_link(
    notified: Notified, installed: Platform, receiver: Receiver
) -> None:
    ears = await notified.listen(receiver, "installation.updated")
    small = await config_of(installed)
    await patch(installed, selectedFields={f"x{number}{'x' * 500}": True for number in range(700)})
    large = await config_of(installed)
    [first] = await ears.hear("installation.updated")
    assert "config" not in first
    assert first["lastConfig"] == small
    assert await _download(installed, first["configURL"]) == large

    await patch(installed, selectedFields={f"y{number}{'y' * 500}": True for number in range(700)})
    second = (await ears.hear("installation.updated", 2))[1]
    assert {"config", "lastConfig"}.isdisjoint(second)
    assert await _download(installed, second["lastConfigURL"]) == large
    assert await _download(installed, second["configURL"]) == await config_of(installed)
    assert max(len(message.raw) for message in receiver.messages) <= 300_000


async def _download(platform: Platform, url: str) -> Any:
    """What a link in a notification gives to whoever has it."""
    path = url.removeprefix(platform.services.public_url)
    assert path.startswith("/v1/payloads/")
    response = await platform.client.get(path, headers={"X-Api-Key": ""})
    assert response.status_code == 200, response.text
    forged = await platform.client.get(path[:-1] + ("0" if path[-1] != "0" else "1"), headers={"X-Api-Key": ""})
    assert forged.status_code == 403
    return response.json()


def _yaml(content: dict[str, Any]) -> str:

    return yaml.safe_dump(content)
