"""Connections with planted secrets, made and used in every way, at a provider that refuses in every way."""

from __future__ import annotations

import json
import re
from functools import partial

import yaml

from tests.connections.planting import BUYING, GIVEN, MANIFEST, WHO, Planted
from tests.support.echoing import BREAKS, REFUSALS
from tests.support.reading import until

RENEWED = (*BUYING, "code")
"""Kinds whose tokens are bought, at an endpoint that is not waited for long."""


def troubles(kind: str, *all_for: str) -> tuple[str, ...]:
    """What goes wrong for a kind: everything for some, for others what is the most telling."""
    if kind not in all_for:
        return ("plain", "base64", "cut", "denied")
    return (*REFUSALS, *(each for each in BREAKS if each != "silent" or kind in RENEWED))


async def connect_all(here: Planted) -> None:
    """Make a connection of each kind, after the provider has refused it at each step."""
    for kind in (*GIVEN, "code", "stepped"):
        make = {"code": here.connect_by_code, "stepped": here.connect_by_steps}.get(kind, partial(here.generate, kind))
        for here.provider.wrong in troubles(kind, "header", "machine"):
            await make()
        here.provider.wrong_at = "/me"  # the token is bought, and then refused
        for here.provider.wrong in ("plain", "base64", "denied", "reset") if kind in (*RENEWED, "stepped") else ():
            await make()
        here.provider.wrong, here.provider.wrong_at = None, ""
        answer = await make()
        assert answer.status_code in (200, 201), answer.text
    await here.connect_by_code(error="access_denied")
    here.connections |= {each["provider"]: each["id"] for each in (await here.ask("GET", "/connections")).json()}
    assert set(here.connections) == {*GIVEN, "code", "stepped"}


async def use_all(here: Planted) -> None:
    """Use each connection, with every refusal and every break."""
    for kind in here.connections:
        for wrong in (each for each in troubles(kind, "query", "code") if each != "silent"):
            here.provider.wrong = wrong
            await here.use(kind, refresh=kind in RENEWED)
            here.provider.wrong = None
            if kind in RENEWED:
                answer = await here.ask("GET", f"/connections/{here.connections[kind]}?refresh=force")
                assert answer.status_code == 200, answer.text


async def read(here: Planted) -> None:
    """Read records, well and badly; the records say what is meant to be seen."""
    await here.ask("PUT", "/integrations:batch", json={"sourceYaml": yaml.safe_dump(MANIFEST)})
    chosen = {"read": {"objects": {"things": {"objectName": "things"}}}}
    body = {"groupRef": "acme", "connectionId": here.connections["header"], "config": {"content": chosen}}
    made = await here.ask("POST", "/integrations/things/installations", json=body)
    assert made.status_code == 201, made.text
    operations = f"/integrations/things/installations/{made.json()['id']}/operations"

    async def none_runs() -> bool:
        found = (await here.ask("GET", operations)).json()["results"]
        return all(each["status"] != "in_progress" for each in found)

    await until(none_runs)
    for here.provider.wrong in (None, "plain", "base64", "code", "denied"):
        path = "/read/v1/projects/default/integrations/things/objects/things"
        assert (await here.ask("POST", path, json={"groupRef": "acme", "mode": "async"})).status_code == 201
        await until(none_runs)
    here.provider.wrong = None
    for each in (await here.ask("GET", operations)).json()["results"]:
        await here.ask("GET", f"/operations/{each['id']}/logs")


async def by_link(here: Planted) -> None:
    """Connect by hosted links: with typed credentials, by a provider's own pages, in steps."""
    for kind in ("header", "guarded", "code", "stepped"):
        made = await here.ask("POST", "/connect-links", json={"provider": kind, **WHO}, whole=True)
        assert made.status_code == 201, made.text
        token = here.plants.note("link", made.json()["url"].rpartition("/")[2])
        page = f"/connect/{token}"
        for typed in (
            {"apiKey": here.plants.make("typed") + "\x07"},
            {"username": "a:b", "password": here.plants.make("typed")},
        ):
            await here.ask("POST", page, data=typed, shows=(token,))
        credentials = here.given[kind]
        values = credentials.get("basicAuth", credentials)
        for here.provider.wrong in ("plain", "cut", "reset", None):
            await here.ask("GET", page, shows=(token,))
            form = {name: value for name, value in values.items() if isinstance(value, str)}
            answer = await here.ask("POST", page, data=form, shows=(token,), whole=kind in ("code", "stepped"))
            if kind == "code":
                where = answer.text
                found = re.search(r"state=([\w%-]+)", where)
                assert found, where
                state = here.plants.note("state", found[1])
                query = {"state": state, "code": here.plants.make("code")}
                await here.ask("GET", "/callbacks/v1/oauth", params=query, shows=(token,))
    here.provider.wrong = None


async def take_out_and_bring_in(here: Planted) -> None:
    """Export the connections, and import them with and without faults; only the export shows them."""
    for format_ in ("ampersand", "nango"):
        taken = await here.ask("POST", "/connections:export", json={"format": format_}, whole=True)
        assert here.plants.found_in(taken.text)
        entries = taken.json()
        for change in ({}, {"provider": "nosuch"}, {"credentials": {"type": "ODD"}}, {"apiKey": 7, "basicAuth": 7}):
            body = {"format": format_, "onExisting": "replace", "connections": [{**each, **change} for each in entries]}
            await here.ask("POST", "/connections:import", json=body)
        await here.ask(
            "POST", "/connections:import", json={"format": format_, "connections": json.dumps(entries[0])[:190]}
        )
    for each in here.connections.values():
        query = "?includeCreds=true&includeRefreshToken=true"
        await here.ask("GET", f"/connections/{each}{query}", whole=True)
