"""Faults with planted secrets: requests that are wrong, and a database that fails on what it is to store."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text

from tests.connections.planting import GIVEN, NEW_KEY, WHO, Planted
from tests.support.reading import until


async def say_it_wrong(here: Planted) -> None:
    """Send secrets of the wrong type, in the wrong place, twice encoded, and to where nothing is."""
    make = here.plants.make
    no_key, no_time = json.dumps({"client_email": "e", "private_key": make("misplaced")}), {"token": make("misplaced")}
    bodies: list[Any] = [
        json.dumps({"apiKey": make("misplaced")}),
        {"provider": "header", **WHO, "apiKey": [make("misplaced")]},
        {"provider": "header", **WHO, "apiKey": {"value": make("misplaced")}},
        {"provider": "header", **WHO, "apiKey": make("misplaced") + "\n"},
        {"provider": "guarded", **WHO, "basicAuth": make("misplaced")},
        {"provider": "guarded", **WHO, "apiKey": make("misplaced")},
        {"provider": "special", **WHO, "customAuth": make("misplaced")},
        {"provider": "special", **WHO, "customAuth": {"seal": "s", "part": make("misplaced") + "\n", "nested": "n"}},
        {"provider": "signed", **WHO, "customAuth": {"file": make("misplaced")}},
        {"provider": "signed", **WHO, "customAuth": {"file": no_key}},
        {"provider": "machine", **WHO, "oauth2ClientCredentials": {"clientId": 1, "clientSecret": make("misplaced")}},
        {"provider": "code", **WHO, "oauth2AuthorizationCode": {"accessToken": make("misplaced")}},
        {"provider": "code", **WHO, "oauth2AuthorizationCode": {"accessToken": {**no_time, "expiresAt": "x"}}},
    ]
    for body in bodies:
        assert (await here.ask("POST", "/connections:generate", json=body)).status_code in (400, 422), body
        await here.ask(
            "PATCH", f"/connections/{here.connections['header']}", json={"updateMask": ["x"], "connection": body}
        )
    steps = {"projectIdOrName": "default", "provider": "stepped", **WHO}
    for body in (
        {**steps, "sessionId": [make("misplaced")]},
        {**steps, "sessionId": make("misplaced"), "callbackParams": f"code={make('misplaced')}"},
        {**steps, "sessionId": make("misplaced"), "callbackParams": {"code": [make("misplaced")]}},
        {**steps, "sessionId": make("misplaced"), "callbackParams": {"code": make("misplaced")}},
        {**steps, "customAuth": {"seal": [make("misplaced")] * 9}, "callbackParams": make("misplaced")},
    ):
        assert (await here.ask("POST", "/v1/custom-auth/connect", json=body)).status_code in (400, 422)
    await here.ask("POST", "/provider-apps", json={**here.given["code"], "clientSecret": [make("misplaced")]})
    await here.ask("POST", "/connections:generate", content=f'{{"apiKey": "{here.plants.make("misplaced", odd="-")}')
    for page in ("oauth", "custom-auth"):
        query = {"state": make("unknown state"), "code": make("unknown code"), "error": make("unknown code")}
        await here.ask("GET", f"/callbacks/v1/{page}", params=query)
    unknown = make("unknown link", odd="-")
    for path in (f"/connect/{unknown}", f"/connect/{unknown}/more"):
        await here.ask("GET", path, shows=(unknown,))


async def break_the_database(here: Planted) -> None:
    """Have statements fail on what they are about to store, commits too; and have what is stored not open."""
    database, one = here.platform.services.database, f"/connections/{here.connections['header']}"
    say = "BEGIN RAISE EXCEPTION 'no: %', NEW USING DETAIL = NEW::text; END"
    tables = (
        "connection",
        "api_key",
        "oauth_flow",
        "custom_auth_session",
        "connect_link",
        "provider_app",
        "idempotency_key",
    )
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${say}$$")
    try:
        for timing in ("BEFORE INSERT OR UPDATE", "AFTER INSERT OR UPDATE"):
            late = timing.startswith("AFTER")
            made = "CREATE CONSTRAINT TRIGGER refuse" if late else "CREATE TRIGGER refuse"
            when = "DEFERRABLE INITIALLY DEFERRED" if late else ""
            async with database.engine.begin() as connection:
                for table in tables:
                    await connection.exec_driver_sql(
                        f"{made} {timing} ON {table} {when} FOR EACH ROW EXECUTE FUNCTION refuse()"
                    )
            for kind in GIVEN:
                answer = await here.generate(kind)
                assert answer.status_code in (500, 503), f"{kind}: {answer.text}"
            await here.ask("PATCH", one, json={"updateMask": ["apiKey"], "connection": here.given["header"]})
            await here.ask("POST", "/api-keys", json=NEW_KEY, headers={"Idempotency-Key": "twice"})
            await here.ask("POST", "/provider-apps", json=here.given["code"])
            await here.ask("POST", "/connect-links", json={"provider": "header", **WHO})
            async with database.engine.begin() as connection:
                for table in tables:
                    await connection.exec_driver_sql(f"DROP TRIGGER refuse ON {table}")
    finally:
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql("DROP FUNCTION refuse CASCADE")
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE connection SET sealed_credentials = 'v1|x|y' WHERE id = :id"),
            {"id": here.connections["query"]},
        )
    for path in (":check", "?includeCreds=true"):
        answer = await here.ask("POST" if path[0] == ":" else "GET", f"/connections/{here.connections['query']}{path}")
        assert answer.status_code == 500


async def delete_all(here: Planted) -> None:
    """Delete the connection by code, so that its tokens are revoked, which the provider refuses at first."""
    here.provider.wrong = "plain"
    for kind in ("code", "machine"):
        assert (await here.ask("DELETE", f"/connections/{here.connections[kind]}")).status_code == 204

    async def none_waits() -> bool:
        async with here.platform.services.database.reading() as connection:
            return not await connection.scalar(text("SELECT count(*) FROM token_revocation"))

    await until(none_waits)
    here.provider.wrong = None
