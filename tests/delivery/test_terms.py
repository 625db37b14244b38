"""The options of a destination: taken, shown, changed, and refused where they make no sense."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.delivery.conftest import World

PATH = "/v1/projects/acme/destinations"


def webhook(world: World, **delivery: Any) -> dict[str, Any]:
    return {"name": "hook", "type": "webhook", "metadata": {"url": world.receiver.url}, "delivery": delivery}


async def update(client: httpx.AsyncClient, name: str, mask: list[str], delivery: dict[str, Any]) -> httpx.Response:
    return await client.patch(f"{PATH}/{name}", json={"updateMask": mask, "destination": {"delivery": delivery}})


async def test_options_are_shown_as_they_were_given_and_absent_where_none_was(
    client: httpx.AsyncClient, world: World
) -> None:
    made = (await client.post(PATH, json=webhook(world, ratePerSecond=5, ordered=True, keepHours=24))).json()
    assert made["delivery"] == {"ratePerSecond": 5, "ordered": True, "keepHours": 24}
    assert (await client.get(f"{PATH}/hook")).json() == made
    assert (await client.get(PATH)).json() == [made]
    plain = await world.make_destination("plain")
    assert "delivery" not in plain


async def test_only_what_the_mask_names_is_changed_and_null_takes_an_option_back(
    client: httpx.AsyncClient, world: World
) -> None:
    await client.post(PATH, json=webhook(world, ratePerSecond=5, keepHours=24))
    changed = await update(client, "hook", ["delivery.ordered"], {"ordered": True, "keepHours": 1})
    assert changed.json()["delivery"] == {"ratePerSecond": 5, "ordered": True, "keepHours": 24}
    changed = await update(client, "hook", ["delivery.ratePerSecond", "delivery.ordered"], {"ordered": False})
    assert changed.json()["delivery"] == {"ratePerSecond": None, "ordered": False, "keepHours": 24}
    changed = await update(client, "hook", ["delivery.keepHours"], {"keepHours": None})
    assert "delivery" not in changed.json()


@pytest.mark.parametrize(
    "delivery",
    [
        {"ratePerSecond": 0},
        {"ratePerSecond": 10_001},
        {"ratePerSecond": 1.5},
        {"ordered": "yes"},
        {"keepHours": -1},
        {"keepHours": 337},
        {"keepHours": "24"},
        {"keephours": 24},
    ],
)
async def test_bad_options_are_refused_by_name(
    client: httpx.AsyncClient, world: World, delivery: dict[str, Any]
) -> None:
    response = await client.post(PATH, json=webhook(world, **delivery))
    assert response.status_code == 400
    assert response.json()["issues"][0]["name"] == f"delivery.{next(iter(delivery))}"
    assert await world.execute("select 1 from destination") == []


async def test_a_mask_that_names_an_unknown_option_is_refused(client: httpx.AsyncClient, world: World) -> None:
    await client.post(PATH, json=webhook(world))
    for path in ("delivery", "delivery.", "delivery.pace"):
        assert (await update(client, "hook", [path], {})).status_code == 400


async def test_a_feed_keeps_72_hours_unless_it_is_told_otherwise(client: httpx.AsyncClient) -> None:
    made = await client.post(PATH, json={"name": "feed", "type": "feed", "metadata": {}})
    assert made.json()["metadata"] == {}
    assert made.json()["delivery"]["keepHours"] == 72
    changed = await update(client, "feed", ["delivery.keepHours"], {"keepHours": 336})
    assert changed.json()["delivery"]["keepHours"] == 336
    changed = await update(client, "feed", ["delivery.keepHours"], {"keepHours": None})
    assert changed.json()["delivery"]["keepHours"] == 72
    shown = await client.get(f"{PATH}/feed", params={"includeSecrets": True, "rotate": True})
    assert shown.json()["secrets"] == {}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"delivery": {"ratePerSecond": 5}}, "delivery.ratePerSecond"),
        ({"delivery": {"ordered": True}}, "delivery.ordered"),
        ({"delivery": {"keepHours": 0}}, "delivery.keepHours"),
        ({"metadata": {"url": "https://example.com"}}, "metadata.url"),
        ({"secrets": {"key": "x"}}, "secrets.key"),
    ],
)
async def test_what_makes_no_sense_for_a_feed_is_refused(
    client: httpx.AsyncClient, given: dict[str, Any], path: str
) -> None:
    response = await client.post(PATH, json={"name": "feed", "type": "feed", "metadata": {}, **given})
    assert response.status_code == 422
    assert [issue["name"] for issue in response.json()["issues"]] == [path]
    await client.post(PATH, json={"name": "feed", "type": "feed", "metadata": {}})
    if "delivery" in given:
        assert (await update(client, "feed", [path], given["delivery"])).status_code == 422
