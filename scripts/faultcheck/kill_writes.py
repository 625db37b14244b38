"""Kill the worker again and again while asynchronous writes are done, and compare the account with what is told.

    .venv/bin/python -m scripts.faultcheck.kill_writes

It runs the platform as `conjunct up` does: embedded PostgreSQL, API, a worker that is started again when it dies, and
a simulated HubSpot. It asks for creates one by one, in batches and gathered, and for updates of a few contacts again
and again. The worker is killed with SIGKILL while something is on its way; every other time, the provider lets it
hang. At the end

- every operation has ended;
- every record that is told as created is there, and none is there twice;
- every record that is not there is told as unknown;
- every contact has the value of the update that was accepted last.

Prints what it saw; ends with 1 when any of this does not hold. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import yaml

from conjunct.app.embedded import EmbeddedPostgres
from conjunct.app.up import Platform, Simulated, Up, UpOptions
from scripts.faultcheck.kill_worker import TOKEN, WHO, Violation, access, kill_worker, quiet_settings, require

CONTACTS = 10
BATCH = 25
PATH = "/write/v1/projects/default/integrations/crm/objects/contacts"
MANIFEST = {
    "specVersion": "1.0.0",
    "integrations": [{"name": "crm", "provider": "hubspot", "write": {"objects": [{"objectName": "contacts"}]}}],
}
UNKNOWN = "not known whether it was written"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for: the names that each operation is to create, in order, and the last one of each contact."""

    ids: list[str]
    names: dict[str, list[str]] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)


def main() -> int:
    """Run the check; 0 when everything holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writes", type=int, default=100, help="writes of each of the four kinds")
    parser.add_argument("--kills", type=int, default=20, help="how often the worker is killed")
    parser.add_argument("--within", type=float, default=600, help="seconds after which the check has failed")
    options = parser.parse_args()
    try:
        asyncio.run(_bounded(options.writes, options.kills, options.within))
    except Violation as violation:
        print(f"FAILED: {violation}", file=sys.stderr)
        return 1
    print("Everything holds.")
    return 0


async def _bounded(writes: int, kills: int, within: float) -> None:
    try:
        async with asyncio.timeout(within):
            with tempfile.TemporaryDirectory(prefix="conjunct-fault-") as folder:
                await _run(Path(folder), writes, kills)
    except TimeoutError:
        raise Violation(f"it did not end within {within:.0f} s") from None


async def _run(folder: Path, writes: int, kills: int) -> None:
    async with (
        EmbeddedPostgres(folder / "postgres") as server,
        Up(quiet_settings(folder, server.url), UpOptions((Simulated("hubspot", CONTACTS, seed=1),))) as platform,
        httpx.AsyncClient(base_url=platform.url, headers=access(folder), timeout=30) as api,
        httpx.AsyncClient(base_url=platform.simulators["hubspot"], headers=TOKEN) as hubspot,
    ):
        database = await asyncpg.connect(server.url)
        try:
            await _install(api)
            touched = await hubspot.post("/_sim/records/contacts", json={"count": CONTACTS})
            asked = _Asked(touched.raise_for_status().json()["ids"])
            begun = time.monotonic()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_ask(api, writes, asked))
                tasks.create_task(_kill(platform, hubspot, database, kills))
            await _ended(database)
            print(f"operations   {len(asked.names):,}, all ended after {time.monotonic() - begun:.1f} s, {kills} kills")
            await _compare(database, hubspot, asked)
        finally:
            await database.close()


async def _install(api: httpx.AsyncClient) -> None:
    async def call(method: str, path: str, body: Any) -> None:
        answer = await api.request(method, f"/v1/projects/default{path}", json=body)
        require(answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}")

    await call("PUT", "/integrations:batch", {"sourceYaml": yaml.safe_dump(MANIFEST)})
    token = {"oauth2AuthorizationCode": {"accessToken": {"token": "check"}}}
    await call("POST", "/connections:generate", {**WHO, **token, "provider": "hubspot"})
    await call("POST", "/integrations/crm/installations", {"groupRef": "acme", "config": {"content": {}}})


async def _ask(api: httpx.AsyncClient, writes: int, asked: _Asked) -> None:
    """Ask for writes of all kinds, mixed."""
    kinds = [kind for kind in ("single", "batch", "gathered", "update") for _ in range(writes)]
    random.Random(1).shuffle(kinds)
    for number, kind in enumerate(kinds):
        names = [f"made-{number}-{place}" for place in range(BATCH if kind == "batch" else 1)]
        body: dict[str, Any] = {"groupRef": "acme", "mode": "asynchronous", "type": "create"}
        if kind == "batch":
            body["batch"] = [{"record": {"lastname": name}} for name in names]
        elif kind == "update":
            changed, names = asked.ids[number % CONTACTS], []
            asked.last[changed] = f"changed-{number}"
            body |= {"type": "update", "record": {"id": changed, "lastname": asked.last[changed]}}
        else:
            body["record"] = {"lastname": names[0]}
        if kind == "gathered":
            body["autoBatchPolicy"] = {"maxDelayMinutes": 1}
        answer = await api.post(PATH, json=body)
        require(answer.status_code == 200, f"{kind}: {answer.status_code} {answer.text[:500]}")
        asked.names.setdefault(answer.json()["operationId"], []).extend(names)


async def _kill(platform: Platform, hubspot: httpx.AsyncClient, database: asyncpg.Connection, kills: int) -> None:
    """Kill the worker so often while something is on its way to the provider; every other time it gets no answer."""
    for kill in range(kills):
        hangs = kill % 2 == 0
        await hubspot.post("/_sim/fail", json={"rules": ["timeout@request=1"] if hangs else []})
        while not await database.fetchval("select count(*) from write_run where sending is not null"):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        while hangs and not (await hubspot.get("/_sim/stats")).json()["faults"]:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await kill_worker(platform)
    await hubspot.post("/_sim/fail", json={"rules": []})


async def _ended(database: asyncpg.Connection) -> None:
    """Wait until all operations have ended; nothing may be kept of them then."""
    while await database.fetchval("select count(*) from operation where status = 'in_progress'"):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    require(await database.fetchval("select count(*) from write_run") == 0, "something is kept of writes that ended")


async def _compare(database: asyncpg.Connection, hubspot: httpx.AsyncClient, asked: _Asked) -> None:
    """Compare what the account holds with what the operations tell."""
    held = await _last_names(hubspot)
    there, told, lost = Counter(held.values()), Counter[str](), 0
    for operation_id, names in asked.names.items():
        rows = await database.fetch("select message from operation_log where operation_id = $1", operation_id)
        messages = [orjson.loads(row["message"]) for row in rows]
        told["repeated"] += any(line["msg"].startswith("Sent again") for line in messages)
        done, unknown = _places(messages, len(names))
        for place, name in enumerate(names):
            require(place in done or place in unknown, f"of {name} nothing is told")
            require(there[name] <= 1, f"{name} is there {there[name]} times")
            require(place not in done or there[name] == 1, f"{name} is told as created and is not there")
            told["done" if place in done else "unknown"] += 1
            lost += not there[name]
    print(f"creates      {told['done']:,} done, {told['unknown']} unknown, of which {lost} are not there; none twice")
    print(f"updates      {told['repeated']} were sent again, and are told to have been")
    updates = [operation_id for operation_id, names in asked.names.items() if not names]
    failed = "select count(*) from operation where id = any($1) and status <> 'success'"
    require(await database.fetchval(failed, updates) == 0, "an update failed")
    wrong = {record_id: held[record_id] for record_id, name in asked.last.items() if held[record_id] != name}
    require(not wrong, f"these have not the value that was accepted last: {wrong}")


def _places(messages: list[dict[str, Any]], count: int) -> tuple[set[int], set[int]]:
    """The places of the records that are told as done, and of those told as unknown."""
    done = {int(place) for line in messages if line["msg"].startswith("The ids") for place in line["details"]}
    details = [line.get("details", {}) for line in messages]
    unknown = {int(each["record"]) for each in details if each.get("state") == "unknown"}
    if count == 1 and not done:
        unknown = {0}
    return done, unknown


async def _last_names(hubspot: httpx.AsyncClient) -> dict[str, str]:
    """The last names of all contacts of the account, by their ids."""
    found: dict[str, str] = {}
    url: str | None = "/crm/v3/objects/contacts?limit=100&properties=lastname"
    while url is not None:
        page = (await hubspot.get(url)).raise_for_status().json()
        found |= {record["id"]: record["properties"]["lastname"] for record in page["results"]}
        url = page.get("paging", {}).get("next", {}).get("link")
    return found


if __name__ == "__main__":
    sys.exit(main())
