"""Rotate the keys of a platform under traffic, killing the worker in the middle of the job.

    .venv/bin/python -m scripts.faultcheck.rotate_keys

It runs the platform as `conjunct up` does (embedded PostgreSQL, API, a worker that is started again when it dies) with
many sealed values, and `conjunct keys` as an operator would. Requests that open and seal secrets go on all the time,
and reads deliver signed webhooks. The worker is killed with SIGKILL while it seals anew. At the end

- no request failed, and no webhook was signed wrongly;
- everything is sealed with the present keys, and was sealed anew once;
- the platform, started again with the new master key alone, opens everything.

It takes some 5 minutes, for new data keys come into use after 2. Prints what it saw; ends with 1 when any of this does
not hold. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from conjunct.app.embedded import EmbeddedPostgres
from conjunct.app.up import Platform, Simulated, Up, UpOptions
from conjunct.core.database import Database
from conjunct.core.master_keys import MasterKeys
from conjunct.kit.ids import new_id
from conjunct.tenants import ProjectKeys
from conjunct.tenants.api_keys.service import key_place
from scripts.faultcheck.kill_worker import Violation, access, install, kill_worker, quiet_settings, require
from scripts.faultcheck.receiver import Receiver, receive

PROJECT = "/v1/projects/default"
READ = {"groupRef": "acme", "mode": "async"}

Keys = Callable[..., Awaitable[str]]
"""Runs `conjunct keys` with these arguments; gives what it said."""


@dataclass
class Traffic:
    """Requests that went well, and those that did not; reads that were asked for."""

    api: httpx.AsyncClient
    answered: int = 0
    failed: list[str] = field(default_factory=list)
    slowest: float = 0.0

    async def go_on(self) -> None:
        """Round after round, until it is cancelled."""
        number = 0
        while True:
            number += 1
            key, body = {"Idempotency-Key": f"rotate-{number}"}, {"label": f"key {number}", "scopes": ["full"]}
            await self._send("GET", f"{PROJECT}/api-keys?pageSize=100")
            await self._send("GET", f"{PROJECT}/destinations/receiver?includeSecrets=true")
            await self._send("GET", f"{PROJECT}/connections")
            made = await self._send("POST", f"{PROJECT}/api-keys", body, key)
            if made is not None:
                again = await self._send("POST", f"{PROJECT}/api-keys", body, key)
                if again is not None and again.content != made.content:
                    self.failed.append("an answer that was kept came back as another")
                await self._send("DELETE", f"{PROJECT}/api-keys/{made.json()['id']}")
            await self._send("POST", f"/read{PROJECT}/integrations/crm/objects/contacts", READ)

    async def _send(self, method: str, path: str, body: Any = None, headers: Any = None) -> httpx.Response | None:
        started = time.monotonic()
        try:
            answer = await self.api.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            self.failed.append(f"{method} {path}: {error!r}")
            return None
        self.slowest = max(self.slowest, time.monotonic() - started)
        if answer.is_success:
            self.answered += 1
            return answer
        if answer.status_code == httpx.codes.CONFLICT and path.startswith("/read"):
            return None  # a read of the object runs already
        self.failed.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return None


def main() -> int:
    """Run the check; 0 when everything holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, default=30_000, help="sealed values to begin with")
    parser.add_argument("--kills", type=int, default=3, help="how often the worker is killed while it seals anew")
    parser.add_argument("--within", type=float, default=900, help="seconds after which the check has failed")
    options = parser.parse_args()
    try:
        asyncio.run(_bounded(options.values, options.kills, options.within))
    except Violation as violation:
        print(f"FAILED: {violation}", file=sys.stderr)
        return 1
    print("Everything holds.")
    return 0


async def _bounded(values: int, kills: int, within: float) -> None:
    try:
        async with asyncio.timeout(within):
            with tempfile.TemporaryDirectory(prefix="conjunct-fault-") as folder:
                await _run(Path(folder), values, kills)
    except TimeoutError:
        raise Violation(f"it did not end within {within:.0f} s") from None


async def _run(folder: Path, values: int, kills: int) -> None:
    simulated = UpOptions((Simulated("hubspot", 200, seed=1),))
    async with EmbeddedPostgres(folder / "postgres") as server, receive() as receiver:
        settings = quiet_settings(folder, server.url)
        keys = partial(_keys, folder, server.url)
        database = await asyncpg.connect(server.url)
        try:
            async with (
                Up(settings, simulated) as platform,
                httpx.AsyncClient(base_url=platform.url, headers=access(folder), timeout=30) as api,
            ):
                await install(api, receiver)
                await _seed(folder, server.url, values)
                traffic = Traffic(api)
                running = asyncio.create_task(traffic.go_on())
                await _rotate(keys, database, platform, values, kills)
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
            await _retire(keys, database)
            _tell(traffic, receiver)
            async with (
                Up(settings, simulated) as platform,
                httpx.AsyncClient(base_url=platform.url, headers=access(folder), timeout=60) as api,
            ):
                await _opens_everything(api, values)
        finally:
            await database.close()


async def _seed(folder: Path, url: str, values: int) -> None:
    """Seal that many API keys, as the platform would."""
    database = Database(url, pool_size=2)
    keys = ProjectKeys(MasterKeys.from_file(folder / "master.key"))
    connection = await asyncpg.connect(url)
    try:
        project = await connection.fetchval("select id from project")
        async with database.transaction() as session:
            keyring = await keys.keyring(session, project)
        rows = [
            (
                key_id,
                project,
                secrets.token_bytes(32),
                "cj_seed",
                keyring.encrypt(b"cj_seed", key_place(key_id)),
                "seed",
            )
            for key_id in (new_id() for _ in range(values))
        ]
        statement = (
            "insert into api_key (id, project_id, digest, prefix, sealed, label, scopes, active)"
            " values ($1, $2, $3, $4, $5, $6, '[\"frontend\"]', false)"
        )
        await connection.executemany(statement, rows)
    finally:
        await connection.close()
        await database.dispose()


async def _rotate(keys: Keys, database: asyncpg.Connection, platform: Platform, values: int, kills: int) -> None:
    started = time.monotonic()
    await keys("rotate", "--wait")
    print(f"master key   rotated in {time.monotonic() - started:.1f} s")
    started = time.monotonic()
    rotating = asyncio.ensure_future(keys("rotate", "--data-keys", "--wait"))
    for kill in range(1, kills + 1):
        while (sealed := await _sealed(database)) < kill * values // (kills + 1):
            require(not rotating.done(), "the rotation ended before the kills: use more values")
            await asyncio.sleep(0.005)
        await kill_worker(platform)
        print(f"  kill {kill}, when {sealed:,} of {values:,} values were sealed anew", flush=True)
    await rotating
    [row] = await database.fetch("select phase, sealed, failed from key_rotation where kind = 'data'")
    print(f"data keys    rotated in {time.monotonic() - started:.1f} s; {row['sealed']:,} values sealed anew")
    require(row["phase"] == "done" and row["failed"] == 0, f"the rotation ended as {dict(row)}")
    require(values <= row["sealed"] < values * 1.2, "it sealed again what it had sealed before it was killed")


async def _sealed(database: asyncpg.Connection) -> int:
    return await database.fetchval("select coalesce(max(sealed), 0) from key_rotation where kind = 'data'") or 0


async def _retire(keys: Keys, database: asyncpg.Connection) -> None:
    """Take the old master key away; nothing may be left that only the old keys open."""
    newest = await database.fetchval("select id from project_key order by active_at desc limit 1")
    others = await database.fetchval(
        "select count(*) from api_key where position(convert_to($1, 'UTF8') in sealed) = 0", f"v1|{newest}|"
    )
    require(others == 0, f"{others} values are sealed with another key than the newest")
    print(await keys("retire", "m1", "--now"))


async def _opens_everything(api: httpx.AsyncClient, values: int) -> None:
    for path in ("destinations?includeSecrets=true", "connections", "api-keys"):
        answer = await api.get(f"{PROJECT}/{path}")
        require(answer.is_success, f"after the restart, {path}: {answer.status_code} {answer.text[:300]}")
        if path == "api-keys":
            require(len(answer.json()) > values, "API keys are missing after the restart")
            print(f"restarted    with the new master key alone: {len(answer.json()):,} API keys opened")


async def _keys(folder: Path, url: str, *arguments: str) -> str:
    """Run `conjunct keys` to its end; what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "conjunct.cli", "keys", *arguments),
        env={**os.environ, "DATABASE_URL": url, "CONJUNCT_DATA_DIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    require(process.returncode == 0, f"conjunct keys {' '.join(arguments)}: {said.decode()}")
    return said.decode().strip()


def _tell(traffic: Traffic, receiver: Receiver) -> None:
    print(f"requests     {traffic.answered:,} answered, {len(traffic.failed)} failed; slowest {traffic.slowest:.2f} s")
    print(f"webhooks     {len(receiver.messages):,} messages, {receiver.forged} not signed as they must be")
    require(not traffic.failed, traffic.failed[0] if traffic.failed else "")
    require(receiver.forged == 0, "a webhook was signed wrongly")
    require(len(receiver.messages) > 1, "no read delivered anything")


if __name__ == "__main__":
    sys.exit(main())
