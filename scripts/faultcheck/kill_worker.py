"""Kill the worker again and again during a backfill of 100,000 records, and count what arrives.

    .venv/bin/python -m scripts.faultcheck.kill_worker

It runs the platform as `conjunct up` does: embedded PostgreSQL, API, a worker that is started again when it dies, and
a simulated HubSpot. The worker is killed with SIGKILL at moments spread over the backfill. At the end

- every contact has arrived, under as many message ids as there are pages;
- what came more than once had the same id and the same bytes;
- the watermark is the moment at which the backfill began;
- the scheduled read that follows brings the contacts that were changed, and nothing else.

Prints what it saw; ends with 1 when any of this does not hold. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import yaml

from conjunct.app.embedded import EmbeddedPostgres
from conjunct.app.up import Platform, Simulated, Up, UpOptions
from conjunct.core.settings import Settings, load_settings
from conjunct.core.telemetry import configure
from scripts.faultcheck.receiver import Receiver, receive

PAGE = 100
CHANGED = 7
LEASE_SECONDS = 3
MANIFEST = {
    "specVersion": "1.0.0",
    "integrations": [
        {
            "name": "crm",
            "provider": "hubspot",
            "read": {
                "objects": [
                    {
                        "objectName": "contacts",
                        "destination": "receiver",
                        "schedule": "* * * * *",
                        "backfill": {"defaultPeriod": {"fullHistory": True}},
                        "requiredFields": [{"fieldName": "email"}, {"fieldName": "jobtitle"}],
                    }
                ]
            },
        }
    ],
}
TOKEN = {"Authorization": "Bearer check"}
WHO = {"groupRef": "acme", "groupName": "Acme", "consumerRef": "ada", "consumerName": "Ada"}


class Violation(Exception):
    """Something that Conjunct promises did not hold."""


def require(holds: bool, what: str) -> None:
    """Raise `Violation` unless it holds."""
    if not holds:
        raise Violation(what)


@dataclass(frozen=True, slots=True)
class Installed:
    """The installation that is checked, and how to reach what belongs to it."""

    api: httpx.AsyncClient
    hubspot: httpx.AsyncClient
    database: asyncpg.Connection
    receiver: Receiver
    platform: Platform
    path: str

    async def operations(self) -> list[dict[str, Any]]:
        """The installation's operations, oldest first."""
        answer = (await self.api.get(f"{self.path}/operations")).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["results"]
        return found[::-1]

    async def contact_ids(self) -> set[str]:
        """The ids of all contacts, as the simulated account lists them."""
        ids: set[str] = set()
        url: str | None = f"/crm/v3/objects/contacts?limit={PAGE}"
        while url is not None:
            page = (await self.hubspot.get(url)).raise_for_status().json()
            ids.update(record["id"] for record in page["results"])
            url = page.get("paging", {}).get("next", {}).get("link")
        return ids


def main() -> int:
    """Run the check; 0 when everything holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000, help="contacts in the simulated account")
    parser.add_argument("--kills", type=int, default=10, help="how often the worker is killed")
    parser.add_argument("--within", type=float, default=900, help="seconds after which the check has failed")
    options = parser.parse_args()
    try:
        asyncio.run(_bounded(options.records, options.kills, options.within))
    except Violation as violation:
        print(f"FAILED: {violation}", file=sys.stderr)
        return 1
    print("Everything holds.")
    return 0


async def _bounded(records: int, kills: int, within: float) -> None:
    try:
        async with asyncio.timeout(within):
            with tempfile.TemporaryDirectory(prefix="conjunct-fault-") as folder:
                await _run(Path(folder), records, kills)
    except TimeoutError:
        raise Violation(f"it did not end within {within:.0f} s") from None


async def _run(folder: Path, records: int, kills: int) -> None:
    async with (
        EmbeddedPostgres(folder / "postgres") as server,
        Up(quiet_settings(folder, server.url), UpOptions((Simulated("hubspot", records, seed=1),))) as platform,
        receive() as receiver,
        httpx.AsyncClient(base_url=platform.url, headers=access(folder), timeout=30) as api,
        httpx.AsyncClient(base_url=platform.simulators["hubspot"], headers=TOKEN) as hubspot,
    ):
        database = await asyncpg.connect(server.url)
        try:
            path = await install(api, receiver)
            installed = Installed(api, hubspot, database, receiver, platform, path)
            await _backfill(installed, records, kills)
            await _incremental(installed)
        finally:
            await database.close()


def quiet_settings(folder: Path, database_url: str) -> Settings:
    """Settings of a platform that touches nothing but the folder, whatever the environment says."""
    settings = load_settings(
        data_dir=folder,
        database_url=database_url,
        port=0,
        allowed_networks="127.0.0.0/8",
        lease_seconds=LEASE_SECONDS,
        minimum_schedule_seconds=60,
        log_level="error",
    )
    configure(settings.log_level, settings.log_format)
    return settings.model_copy(update={"provider_overrides": None, "public_url": None})


def access(folder: Path) -> dict[str, str]:
    return {"X-Api-Key": orjson.loads((folder / "bootstrap.json").read_bytes())["apiKey"]}


async def install(api: httpx.AsyncClient, receiver: Receiver) -> str:
    """Make the destination, deploy, connect and install; gives the installation's path."""

    async def call(method: str, path: str, body: Any = None) -> Any:
        answer = await api.request(method, f"/v1/projects/default{path}", json=body)
        require(answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    await call("POST", "/destinations", {"name": "receiver", "type": "webhook", "metadata": {"url": receiver.url}})
    receiver.trust((await call("GET", "/destinations/receiver?includeSecrets=true"))["secrets"]["webhookSigningKey"])
    await call("PUT", "/integrations:batch", {"sourceYaml": yaml.safe_dump(MANIFEST)})
    token = {"oauth2AuthorizationCode": {"accessToken": {"token": "check"}}}
    await call("POST", "/connections:generate", {**WHO, **token, "provider": "hubspot"})
    made = await call("POST", "/integrations/crm/installations", {"groupRef": "acme", "config": {"content": {}}})
    return f"/v1/projects/default/integrations/crm/installations/{made['id']}"


async def _backfill(installed: Installed, records: int, kills: int) -> None:
    """Kill the worker at moments spread over the backfill, then see what arrived."""
    started = time.monotonic()
    receiver, pages = installed.receiver, -(-records // PAGE)
    backfill = (await installed.operations())[0]["id"]
    for kill in range(1, kills + 1):
        await receiver.until(partial(receiver.has, kill * pages // (kills + 1)))
        await kill_worker(installed.platform)
        came = f"{len(receiver.messages):,} of {pages:,} pages, {receiver.repeats} of them again"
        print(f"  kill {kill:2}, when the receiver had {came}", flush=True)
        status = await installed.database.fetchval("select status from operation where id = $1", backfill)
        require(status == "in_progress", f"the backfill had ended before kill {kill}: use more records")
    operation = await _ended(installed, backfill)
    print(f"kills        {kills}, in {time.monotonic() - started:.1f} s from installation to the last record")
    require(operation["status"] == "success", f"the backfill ended as {operation['status']}: {operation.get('result')}")
    await compare(installed, backfill, records)


async def compare(installed: Installed, backfill: str, records: int) -> None:
    """Compare what arrived with what the account holds."""
    receiver = installed.receiver
    messages = receiver.of(backfill)
    arrived = Counter(record_id for message in messages for record_id in message.record_ids)
    pages = await installed.database.fetchval("select page from read_run where operation_id = $1", backfill)
    print(f"records      {len(arrived):,} different ones of {records:,}")
    print(f"pages        {pages:,}")
    print(
        f"message ids  {len(messages):,}; {receiver.repeats} messages came again, {receiver.changed} with other bytes"
    )
    require(set(arrived) == await installed.contact_ids(), "the records that arrived are not those of the account")
    require(arrived.total() == records, "a record arrived under two message ids")
    require(len(messages) == pages == -(-records // PAGE), "there are not as many message ids as pages")
    require(receiver.changed == 0, "a repeated message had other bytes")
    require(receiver.forged == 0, f"{receiver.forged} messages were not signed as they must be")


async def kill_worker(platform: Platform) -> None:
    """Kill the worker's process, waiting for it where it is just being started again."""
    worker = platform.children["worker"]
    while (pid := worker.pid) is None:  # noqa: ASYNC110 - a process is watched by asking
        await asyncio.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    while worker.pid == pid:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.01)


async def _ended(installed: Installed, operation_id: str) -> dict[str, Any]:
    """The operation, once it has ended."""
    while True:
        for operation in await installed.operations():
            if operation["id"] == operation_id and operation["status"] != "in_progress":
                return operation
        await asyncio.sleep(0.1)


async def _incremental(installed: Installed) -> None:
    """Change some contacts: the scheduled reads, one a minute, must bring these once and no others.

    The first of them must begin where the backfill began, at the watermark that it left.
    """
    receiver = installed.receiver
    known = set(receiver.messages)
    touched = await installed.hubspot.post("/_sim/records/contacts", json={"count": CHANGED})
    changed = touched.raise_for_status().json()["ids"]

    def arrived() -> list[str]:
        new = [message for message_id, message in receiver.messages.items() if message_id not in known]
        return [record_id for message in new for record_id in message.record_ids]

    await receiver.until(lambda: len(arrived()) >= CHANGED)
    for operation in await installed.operations():
        await _ended(installed, operation["id"])
    backfill, first, *_ = await installed.database.fetch(
        "select since, new_watermark from read_run order by create_time"
    )
    print(f"watermark    {backfill['new_watermark']}, from which the first scheduled read went on")
    print(f"incremental  {len(arrived())} records for {CHANGED} contacts that were changed")
    require(first["since"] == backfill["new_watermark"], "the first scheduled read left a gap after the backfill")
    require(sorted(arrived()) == sorted(changed), "the scheduled read did not bring exactly what was changed")


if __name__ == "__main__":
    sys.exit(main())
