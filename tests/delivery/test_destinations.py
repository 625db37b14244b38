"""Destinations over HTTP, every answer checked against the specification."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from tests.delivery.conftest import World
from tests.support.specification import require_specification

PATH = "/v1/projects/acme/destinations"


def test_answers_are_checked_against_the_specification() -> None:
    require_specification()


@pytest.fixture
def given(world: World) -> dict[str, Any]:
    return {"name": "leadHook-1", "type": "webhook", "metadata": {"url": world.receiver.url}}


async def create(client: httpx.AsyncClient, given: dict[str, Any]) -> dict[str, Any]:
    response = await client.post(PATH, json=given)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def refused(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    problem: dict[str, Any] = response.json()
    return problem


async def test_a_destination_is_made_and_found_by_name_and_id(
    client: httpx.AsyncClient, given: dict[str, Any], world: World
) -> None:
    made = await create(client, given)
    assert made["metadata"] == {"url": world.receiver.url}
    assert "updateTime" not in made
    assert "secrets" not in made
    for name in ("leadHook-1", made["id"]):
        assert (await client.get(f"{PATH}/{name}")).json() == made
    assert (await client.get(PATH)).json() == [made]


async def test_the_list_is_in_the_order_of_creation(client: httpx.AsyncClient, given: dict[str, Any]) -> None:
    assert (await client.get(PATH)).json() == []
    for name in ("b", "a", "c"):
        await create(client, {**given, "name": name})
    assert [each["name"] for each in (await client.get(PATH)).json()] == ["b", "a", "c"]


async def test_secrets_are_shown_only_when_asked_for(client: httpx.AsyncClient, given: dict[str, Any]) -> None:
    made = await create(client, given)
    shown = (await client.get(f"{PATH}/{made['id']}", params={"includeSecrets": True})).json()
    key = shown.pop("secrets")["webhookSigningKey"]
    assert shown == made
    assert key.startswith("whsec_")
    assert key not in (await client.get(f"{PATH}/{made['id']}")).text


async def test_a_rotated_key_and_the_one_before_it_both_verify_for_24_hours(
    client: httpx.AsyncClient, given: dict[str, Any], world: World
) -> None:
    made = await create(client, given)
    path = f"{PATH}/{made['id']}"
    old = (await client.get(path, params={"includeSecrets": True})).json()["secrets"]["webhookSigningKey"]
    rotated = (await client.get(path, params={"includeSecrets": True, "rotate": True})).json()
    new = rotated["secrets"]["webhookSigningKey"]
    assert new != old
    assert rotated["updateTime"]

    for key in (old, new):
        world.receiver.trust(key)
        await world.hand_over(world.message(made, f"with {key}"))
    world.clock.advance(timedelta(hours=24))
    world.receiver.trust(old)
    await world.hand_over(world.message(made, "too late"))
    world.receiver.trust(new)
    await world.hand_over(world.message(made, "in time"))
    assert world.receiver.ids == [f"with {old}", f"with {new}", "in time"]
    assert isinstance(Webhook(new), Webhook)


async def test_rotating_without_asking_for_secrets_shows_none(client: httpx.AsyncClient, given: dict[str, Any]) -> None:
    made = await create(client, given)
    assert "secrets" not in (await client.get(f"{PATH}/{made['id']}", params={"rotate": True})).json()


async def test_keys_and_headers_are_encrypted_at_rest(
    client: httpx.AsyncClient, given: dict[str, Any], world: World
) -> None:
    given["metadata"]["headers"] = {"Authorization": "Bearer planted-secret"}
    made = await create(client, given)
    assert made["metadata"]["headers"] == {"Authorization": "Bearer planted-secret"}
    assert (await client.get(PATH)).json() == [made]
    shown = (await client.get(f"{PATH}/{made['id']}", params={"includeSecrets": True})).json()
    row = await world.destination(made)
    for secret in ("planted-secret", shown["secrets"]["webhookSigningKey"]):
        assert secret not in str(row.metadata)
        assert secret.encode() not in bytes(row.sealed_secrets)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        pytest.param({"name": "no spaces"}, "name", id="name with a space"),
        pytest.param({"name": ""}, "name", id="no name"),
        pytest.param({"type": "carrier-pigeon"}, "type", id="unknown type"),
        pytest.param({"metadata": {}}, "metadata.url", id="no URL"),
        pytest.param({"metadata": {"url": 5}}, "metadata.url", id="URL of another type"),
        pytest.param({"metadata": {"url": "https://a.example/\n"}}, "metadata.url", id="URL with a line break"),
        pytest.param({"metadata": {"url": "https://a.example/ b"}}, "metadata.url", id="URL with a space"),
        pytest.param({"metadata": "x"}, "metadata", id="metadata of another type"),
    ],
)
async def test_bad_input_is_refused_saying_where(
    client: httpx.AsyncClient, given: dict[str, Any], change: dict[str, Any], where: str
) -> None:
    problem = await refused(await client.post(PATH, json={**given, **change}), 400)
    assert [issue["name"] for issue in problem["issues"]] == [where]
    assert (await client.get(PATH)).json() == []


async def test_an_unknown_type_is_told_the_known_ones(client: httpx.AsyncClient, given: dict[str, Any]) -> None:
    problem = await refused(await client.post(PATH, json={**given, "type": "carrier-pigeon"}), 400)
    assert "webhook" in problem["remedy"]


@pytest.mark.parametrize("name", ["s3", "kinesis", "snowflake", "azureservicebus"])
async def test_a_specified_type_that_is_not_here_yet_is_told_so(
    client: httpx.AsyncClient, given: dict[str, Any], name: str
) -> None:
    problem = await refused(await client.post(PATH, json={**given, "type": name}), 422)
    assert name in problem["detail"]
    assert "webhook" in problem["remedy"]


@pytest.mark.parametrize(
    "url",
    [
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "https://2130706433.example@192.168.1.1/",
        "ftp://example.com/",
        "https://",
        "/relative",
    ],
)
async def test_addresses_that_messages_may_not_go_to_are_refused(
    client: httpx.AsyncClient, given: dict[str, Any], url: str
) -> None:
    problem = await refused(await client.post(PATH, json={**given, "metadata": {"url": url}}), 422)
    assert problem["issues"][0]["name"] == "metadata.url"


async def test_a_private_address_names_the_operators_setting(client: httpx.AsyncClient, given: dict[str, Any]) -> None:
    response = await client.post(PATH, json={**given, "metadata": {"url": "https://10.0.0.1/hook"}})
    assert "CONJUNCT_ALLOWED_NETWORKS" in (await refused(response, 422))["remedy"]


@pytest.mark.parametrize("url", ["http://8.8.8.8/hook", "http://name.invalid/hook"])
async def test_plain_http_is_for_allowed_networks_only(
    client: httpx.AsyncClient, given: dict[str, Any], url: str
) -> None:
    problem = await refused(await client.post(PATH, json={**given, "metadata": {"url": url}}), 422)
    assert "https://" in problem["detail"]
    assert "CONJUNCT_ALLOWED_NETWORKS" in problem["remedy"]


@pytest.mark.parametrize(
    "name", ["svix-id", "Webhook-Signature", "HOST", "Content-Length", "Transfer-Encoding", "a b", ""]
)
async def test_headers_that_are_ours_or_no_headers_are_refused(
    client: httpx.AsyncClient, given: dict[str, Any], name: str
) -> None:
    given["metadata"]["headers"] = {name: "x", "X-Fine": "x"}
    problem = await refused(await client.post(PATH, json=given), 400)
    assert len(problem["issues"]) == 1


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "a\nb", "a\x07", "é", 5, None])
async def test_header_values_that_could_inject_are_refused_and_not_repeated(
    client: httpx.AsyncClient, given: dict[str, Any], value: object
) -> None:
    given["metadata"]["headers"] = {"X-Mine": value}
    problem = await refused(await client.post(PATH, json=given), 400)
    assert [issue["name"] for issue in problem["issues"]] == ["metadata.headers.X-Mine"]
    assert "value" not in problem["issues"][0]


async def test_a_webhook_takes_no_secrets(client: httpx.AsyncClient, given: dict[str, Any]) -> None:
    await refused(await client.post(PATH, json={**given, "secrets": {"password": "x"}}), 422)
    await create(client, {**given, "secrets": {}})


async def test_a_name_is_taken_once_a_project(client: httpx.AsyncClient, given: dict[str, Any], world: World) -> None:
    await create(client, given)
    await refused(await client.post(PATH, json=given), 409)
    elsewhere = {"X-Api-Key": world.other.api_key}
    response = await client.post("/v1/projects/other/destinations", json=given, headers=elsewhere)
    assert response.status_code == 201


async def test_the_mask_says_what_changes(client: httpx.AsyncClient, given: dict[str, Any]) -> None:
    made = await create(client, given)
    url = given["metadata"]["url"] + "/new"
    response = await client.patch(
        f"{PATH}/{made['name']}",
        json={
            "updateMask": ["name", "metadata.url"],
            "destination": {"name": "renamed", "metadata": {"url": url, "headers": {"X-Not": "masked"}}},
        },
    )
    assert response.status_code == 200, response.text
    changed = response.json()
    assert changed == {**made, "name": "renamed", "metadata": {"url": url}, "updateTime": changed["updateTime"]}
    assert (await client.get(f"{PATH}/renamed")).json() == changed
    await refused(await client.get(f"{PATH}/{made['name']}"), 404)


async def test_headers_come_and_go_by_the_mask(client: httpx.AsyncClient, given: dict[str, Any], world: World) -> None:
    made = await create(client, given)
    for headers, shown in (({"X-Team": "a"}, {"headers": {"X-Team": "a"}}), (None, {})):
        change = {"updateMask": ["metadata.headers"], "destination": {"metadata": {"headers": headers}}}
        response = await client.patch(f"{PATH}/{made['id']}", json=change)
        assert response.json()["metadata"] == {"url": world.receiver.url, **shown}


async def test_the_signing_key_survives_a_change(client: httpx.AsyncClient, given: dict[str, Any]) -> None:
    made = await create(client, given)
    path, secrets = f"{PATH}/{made['id']}", {"includeSecrets": True}
    before = (await client.get(path, params=secrets)).json()["secrets"]
    await client.patch(path, json={"updateMask": ["name"], "destination": {"name": "other"}})
    assert (await client.get(path, params=secrets)).json()["secrets"] == before


@pytest.mark.parametrize(
    ("mask", "destination", "status"),
    [
        pytest.param([], {}, 400, id="empty mask"),
        pytest.param(["name"], {}, 400, id="name missing"),
        pytest.param(["name"], {"name": "a b"}, 400, id="bad name"),
        pytest.param(["metadata.url"], {}, 400, id="URL missing"),
        pytest.param(["metadata.url"], {"metadata": {"url": "https://10.0.0.1/"}}, 422, id="private URL"),
        pytest.param(["metadata.headers"], {"metadata": {"headers": {"Host": "x"}}}, 400, id="header of ours"),
        pytest.param(["metadata.bucket"], {"metadata": {"bucket": "x"}}, 422, id="another type's field"),
        pytest.param(["secrets.password"], {"secrets": {"password": "x"}}, 422, id="another type's secret"),
        pytest.param(["type"], {"type": "s3"}, 400, id="type"),
        pytest.param(["metadata"], {"metadata": {}}, 400, id="all metadata"),
    ],
)
async def test_changes_that_cannot_be_are_refused_whole(
    client: httpx.AsyncClient, given: dict[str, Any], mask: list[str], destination: dict[str, Any], status: int
) -> None:
    made = await create(client, given)
    change = {"updateMask": mask, "destination": destination}
    await refused(await client.patch(f"{PATH}/{made['id']}", json=change), status)
    assert (await client.get(f"{PATH}/{made['id']}")).json() == made


async def test_a_name_cannot_be_changed_to_one_that_is_taken(client: httpx.AsyncClient, given: dict[str, Any]) -> None:
    await create(client, given)
    await create(client, {**given, "name": "second"})
    change = {"updateMask": ["name"], "destination": {"name": "leadHook-1"}}
    await refused(await client.patch(f"{PATH}/second", json=change), 409)


async def test_a_new_address_begins_with_a_closed_breaker(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(*(world.message(hook, f"op-{n}") for n in range(5)))
    change = {"updateMask": ["metadata.url"], "destination": {"metadata": {"url": world.receiver.url + "2"}}}
    assert (await client.patch(f"{PATH}/hook", json=change)).status_code == 200
    row = await world.destination(hook)
    assert (row.consecutive_failures, row.breaker_open_until) == (0, None)


async def test_deleting_removes_the_destination_and_what_waits_for_it(client: httpx.AsyncClient, world: World) -> None:
    hook = await world.make_destination()
    world.receiver.fail(500)
    await world.hand_over(world.message(hook))
    response = await client.delete(f"{PATH}/hook")
    assert (response.status_code, response.content) == (204, b"")
    assert await world.execute("select * from destination") == []
    assert await world.execute("select * from delivery_message") == []
    await refused(await client.delete(f"{PATH}/hook"), 404)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", ["hook", "{id}", "nothing"])
async def test_another_projects_destination_is_not_found(
    client: httpx.AsyncClient, world: World, method: str, name: str
) -> None:
    hook = await world.make_destination()
    path = f"/v1/projects/other/destinations/{name.format(**hook)}"
    change = {"updateMask": ["name"], "destination": {"name": "stolen"}} if method == "PATCH" else None
    response = await client.request(method, path, json=change, headers={"X-Api-Key": world.other.api_key})
    problem = await refused(response, 404)
    assert problem["title"] == "There is no such destination"
    assert (await world.destination(hook)).name == "hook"
