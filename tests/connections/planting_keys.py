"""What the platform makes of secrets by itself, and where it tells what happens: planted before anything is done."""

from __future__ import annotations

import base64

from conjunct.core.master_keys import MasterKeys
from conjunct.tenants.keys import wrapped_place
from tests.connections.planting import NEW_KEY, Planted
from tests.support.reading import rows
from tests.support.tokens import customer_token, make_builder, public_pem


async def plant_the_platforms_own(here: Planted) -> None:
    """Keys and tokens that the platform makes, or that its builder registers."""
    plants, platform = here.plants, here.platform
    plants.note("API key", platform.client.headers["X-Api-Key"].removeprefix("cj_"))
    key = ""
    for repeated in ("one", "one", "two"):
        made = await here.ask("POST", "/api-keys", json=NEW_KEY, headers={"Idempotency-Key": repeated}, whole=True)
        assert made.status_code == 201, made.text
        key = plants.note("API key", made.json()["key"].removeprefix("cj_"))
    change = {"updateMask": ["label"], "apiKey": {"label": "m"}}
    await here.ask("PATCH", f"/api-keys/cj_{key}", json=change, whole=True)
    await here.ask("GET", f"/api-keys/cj_{plants.make('unknown API key', odd='-')}")
    await here.ask("GET", "/connections", headers={"X-Api-Key": "cj_" + plants.make("wrong API key", odd="-")})
    made = await here.ask("POST", "/provider-apps", json=here.given["code"])
    assert made.status_code == 200, made.text
    public_key = {"label": "l", "algorithm": "RS256", "publicKeyPem": public_pem()}
    kid = (await here.ask("POST", "/jwt-keys", json=public_key)).json()["kid"]
    for signer in ("own", "another"):
        token = customer_token(kid, "acme", "ada", key=signer)
        plants.note("JWT", token.rpartition(".")[2])
        await here.ask("GET", "/connections", headers={"Authorization": f"Bearer {token}", "X-Api-Key": ""})
    database = platform.services.database
    _, token = await make_builder(database, "olga", platform.org_id)
    plants.note("builder token", token.removeprefix("cjb_"))
    await here.ask("GET", "/v1/orgs", headers={"Authorization": f"Bearer {token}", "X-Api-Key": ""})
    master = MasterKeys.from_file(here.folder / "master.key")
    own = base64.b64decode((here.folder / "master.key").read_text().partition(":")[2])
    for row in await rows(platform, "SELECT id, wrapped FROM project_key"):
        for value in (own, master.decrypt(row.wrapped, wrapped_place(row.id))):
            plants.note("key", base64.b64encode(value).decode())
            plants.note("key", value.hex())


async def listen(here: Planted) -> None:
    """Have all that is notified sent to the webhook, and its records."""
    receiver = here.platform.receiver
    made = await here.ask(
        "POST", "/destinations", json={"name": "webhook", "type": "webhook", "metadata": {"url": receiver.url}}
    )
    shown = await here.ask("GET", "/destinations/webhook?includeSecrets=true", whole=True)
    signing_key = here.plants.note("signing key", shown.json()["secrets"]["webhookSigningKey"].removeprefix("whsec_"))
    receiver.trust(f"whsec_{signing_key}")
    topic = (await here.ask("POST", "/topics", json={"name": "all"})).json()["id"]
    for event in ("created", "error", "updated", "refreshed", "deleted"):
        route = {"eventType": f"connection.{event}", "topicId": topic}
        await here.ask("POST", "/notification-event-topic-routes", json=route)
    route = {"topicId": topic, "destinationId": made.json()["id"]}
    assert (await here.ask("POST", "/topic-destination-routes", json=route)).status_code == 201
