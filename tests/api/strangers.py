"""Another tenant's things, of every kind that a path or a body can name."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import yaml
from sqlalchemy import func, insert

from conjunct.delivery.models import DeliveryAttemptRow
from tests.api.world import ACME, MANIFEST, World
from tests.support.tokens import make_builder, public_pem

THEIR_MESSAGE_ID = "msg-theirs"

Things = dict[str, tuple[str, ...]]
"""Existing ones by the name of the path's parameter; those that can be named in several ways have several."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """What the project `other` holds, and an upload of its manifest; `builder_id` is somebody in its org."""

    things: Things
    upload: str
    builder_id: str


async def make_strangers(world: World) -> Strangers:
    """Fill the project `other`, as its own people would."""
    builder_id, builder = await make_builder(world.database, "zoe", world.other.org_id)
    key = {"X-Api-Key": world.other.api_key}

    async def ask(method: str, path: str, **options: Any) -> Any:
        world.client.headers.pop("X-Api-Key", None)
        answer = await world.client.request(method, "/v1" + path, **{"headers": key, **options})
        assert answer.is_success, answer.text
        return answer.json()

    project = "/projects/other"
    url = {"url": world.platform.receiver.url}
    destination = await ask(
        "POST", f"{project}/destinations", json={"name": "people-webhook", "type": "webhook", "metadata": url}
    )
    manifest = {**MANIFEST, "integrations": [{**MANIFEST["integrations"][0], "name": "theirs"}]}
    (integration,) = await ask("PUT", f"{project}/integrations:batch", json={"sourceYaml": yaml.safe_dump(manifest)})
    tokens = {"accessToken": {"token": "t"}}
    connection = await ask(
        "POST",
        f"{project}/connections:generate",
        json={**ACME, "provider": "hubspot", "oauth2AuthorizationCode": tokens},
    )
    installation = await ask(
        "POST", f"{project}/integrations/theirs/installations?skipSampling=true", json={"groupRef": "acme"}
    )
    operations = await ask("GET", f"{project}/integrations/theirs/installations/{installation['id']}/operations")
    named = {"name": "another", "type": "webhook", "metadata": url}
    other_destination = await ask("POST", f"{project}/destinations", json=named)
    topic = await ask("POST", f"{project}/topics", json={"name": "alerts"})
    to_topic = await ask(
        "POST",
        f"{project}/notification-event-topic-routes",
        json={"eventType": "connection.error", "topicId": topic["id"]},
    )
    onward = await ask(
        "POST",
        f"{project}/topic-destination-routes",
        json={"topicId": topic["id"], "destinationId": destination["id"]},
    )
    client = {"provider": "hubspot", "clientId": "their-client", "clientSecret": "their-secret"}
    app = await ask("POST", f"{project}/provider-apps", json=client)
    link = {"provider": "redmine", "groupRef": "acme", "consumerRef": "ada"}
    connect_link = await ask("POST", f"{project}/connect-links", json=link)
    jwt_key = {"label": "theirs", "algorithm": "RS256", "publicKeyPem": public_pem()}
    registered = await ask("POST", f"{project}/jwt-keys", json=jwt_key)
    (api_key,) = await ask("GET", f"{project}/api-keys")
    invite = await ask(
        "POST",
        f"/orgs/{world.other.org_id}/invites",
        json={"email": "friend@example.com"},
        headers={"Authorization": f"Bearer {builder}"},
    )
    await _deliver(world, destination["id"])
    return Strangers(
        things={
            "projectIdOrName": ("other", world.other.project_id),
            "orgId": (world.other.org_id,),
            "inviteId": (invite["id"],),
            "apiKey": (api_key["key"], api_key["id"]),
            "keyId": (registered["kid"],),
            "connectionId": (connection["id"],),
            "providerAppId": (app["id"],),
            "connectLinkId": (connect_link["id"],),
            "destination": (destination["id"], other_destination["name"]),
            "messageId": (THEIR_MESSAGE_ID,),
            "topicId": (topic["id"],),
            "routeId": (to_topic["id"], onward["id"]),
            "integrationId": (integration["id"], "theirs"),
            "integrationIdOrName": (integration["id"], "theirs"),
            "installationId": (installation["id"],),
            "revisionId": (integration["latestRevision"]["id"],),
            "operationId": (operations["results"][0]["id"],),
        },
        upload=await _upload(world, manifest),
        builder_id=builder_id,
    )


async def _deliver(world: World, destination_id: str) -> None:
    """Let a message have been delivered to their destination."""
    how = {"number": 1, "status": 200, "elapsed_ms": 7, "latency_ms": 7, "records": 1, "bytes": 512, "at": func.now()}
    async with world.database.transaction() as session:
        attempt = insert(DeliveryAttemptRow).values(
            project_id=world.other.project_id, destination_id=destination_id, message_id=THEIR_MESSAGE_ID, **how
        )
        await session.execute(attempt)


async def _upload(world: World, manifest: dict[str, Any]) -> str:
    """The address of an archive that the other project has uploaded."""
    signed = await world.client.get("/v1/generate-upload-url", headers={"X-Api-Key": world.other.api_key})
    place = signed.json()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("amp.yaml", yaml.safe_dump(manifest))
    path = "/v1/" + place["url"].partition("/v1/")[2]
    answer = await world.client.put(path, content=archive.getvalue())
    assert answer.status_code == 200, answer.text
    return f"gs://{place['bucket']}{place['path']}"
