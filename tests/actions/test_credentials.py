"""Whatever asks the provider keeps the credentials good, and says of the connection what came of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import Platform, running_platform
from tests.support.reading import COMPANIES, chosen, manifest, rows
from tests.support.signing_in import ShiftedClock, make_app, sign_in, status_of, token_requests


async def sampled(platform: Platform) -> None:
    await platform.install(chosen("contacts", "companies"))
    for operation in await platform.operations():
        assert (await platform.ended(operation["id"]))["status"] == "success"


async def hydrate(platform: Platform) -> list[Any]:
    revision = (await platform.send("GET", "/integrations/crm", 200))["latestRevision"]["id"]
    path = f"/integrations/crm/revisions/{revision}:hydrate?connectionId={platform.connection}"
    return [each.get("error") for each in (await platform.send("GET", path, 200))["content"]["read"]["objects"]]


async def hydrated(platform: Platform) -> None:
    assert await hydrate(platform) == [None, None]


async def described(platform: Platform) -> None:
    for owner in ("providers/hubspot", "integrations/crm"):
        await platform.send("GET", f"/{owner}/objects/contacts/metadata?groupRef=acme", 200)


async def put_field(platform: Platform, status: int = 200) -> Any:
    field = {"fieldName": "mood", "displayName": "Mood", "valueType": "string"}
    body = {"groupRef": "acme", "fields": {"contacts": [field]}}
    return await platform.send("PUT", "/integrations/crm/object-metadata", status, json=body)


async def search(platform: Platform) -> Any:
    path = f"/search{platform.project}/integrations/crm"
    answer = await platform.client.post(
        path, params={"groupRef": "acme"}, json={"objectName": "people", "fieldFilters": []}
    )
    return answer.json()


async def searched(platform: Platform) -> None:
    assert len((await search(platform))["results"]) > 0


async def read(platform: Platform) -> None:
    assert (await platform.ended(await platform.trigger()))["status"] == "success"


ACTIONS = (sampled, hydrated, described, put_field, searched, read)


async def test_every_action_renews_a_refused_token_once_and_goes_on(database: Database, tmp_path: Path) -> None:
    clock = ShiftedClock()
    simulated = SimulatorOptions(records=150, clock=clock.now)
    async with running_platform(database, tmp_path, simulated=simulated) as platform:
        await platform.deploy(manifest(COMPANIES))
        await make_app(platform)
        await sign_in(platform)
        for number, act in enumerate(ACTIONS, start=1):
            clock.later += timedelta(hours=1)  # HubSpot takes none of its earlier tokens any more
            await rows(platform, "update connection set status = 'created'")
            await act(platform)
            assert token_requests(platform) == 1 + number, act
            assert await status_of(platform) == "working", act


async def test_every_action_tells_that_the_customer_must_connect_again(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await platform.deploy(manifest(COMPANIES))
        await platform.connect()
        await platform.install(chosen("contacts", "companies"), skipSampling="true")
        for operation in await platform.operations():
            await platform.ended(operation["id"])
        platform.hubspot.faults.set(["401:1"])
        for act in (hydrate, search, put_field):
            await rows(platform, "update connection set status = 'working'")
            told = await (put_field(platform, 403) if act is put_field else act(platform))
            for each in told if isinstance(told, list) else [told["detail"] + told["remedy"]]:
                assert "does not accept the connection's credentials" in each
                assert "Let the customer connect again." in each
            assert await status_of(platform) == "bad_credentials", act
        platform.hubspot.faults.set(["403:1"])
        await rows(platform, "update connection set status = 'working'")
        assert "does not accept" not in (await search(platform))["detail"]
        assert await status_of(platform) == "working"
