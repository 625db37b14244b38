"""What the demo does, step by step, and what it must see at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from conjunct.app.demo.client import Client, DemoFailed
from conjunct.app.demo.receiver import Receiver, receive
from conjunct.app.up import Platform, Simulated, Up, UpOptions
from conjunct.core.egress import Egress, EgressPolicy
from conjunct.core.settings import Settings

MANIFEST = Path(__file__).parent / "amp.yaml"
CONTACTS = 1000
BACKFILL_SECONDS = 120.0
POLL_SECONDS = 0.1

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo saw."""

    records: int
    messages: int
    seconds: float
    verified: int
    changed: int


async def run_demo(settings: Settings, say: Say, *, leave_running: bool) -> Shown:
    """Run the demo; raises `DemoFailed` when a single record is missing or a signature is wrong.

    With `leave_running`, everything runs on until the task is cancelled, which is then no failure.
    """
    say("Starting Conjunct: database, API, worker, and a HubSpot simulator with 1,000 contacts …")
    started = time.monotonic()
    options = UpOptions(simulate=(Simulated("hubspot", records=CONTACTS, seed=7),))
    async with (
        Up(settings, options) as platform,
        receive() as receiver,
        Egress(policy=EgressPolicy(), user_agent="conjunct-demo") as egress,
    ):
        say(f"  ready after {time.monotonic() - started:.1f} s at {platform.url}")
        shown = await _Story(platform, receiver, egress, say).tell()
        if leave_running:
            _say_what_runs(platform, say)
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    return shown


class _Story:
    def __init__(self, platform: Platform, receiver: Receiver, egress: Egress, say: Say) -> None:
        access = orjson.loads((platform.data_dir / "bootstrap.json").read_bytes())
        self._project = f"/v1/projects/{access['projectName']}"
        self._api = Client(egress, platform.url, api_key=access["apiKey"])
        self._hubspot = Client(egress, platform.simulators["hubspot"], bearer="demo")
        self._receiver = receiver
        self._say = say

    async def tell(self) -> Shown:
        await self._make_destination()
        integration = await self._deploy()
        begun = time.monotonic()
        installation = await self._install(integration)
        backfill = await self._watch_backfill(integration, installation)
        expected = await self._contact_ids()
        await self._compare(backfill, expected)
        seconds = time.monotonic() - begun
        self._say(f"  all {len(expected):,} contacts arrived, each once")
        changed = await self._read_a_change(integration)
        self._show_a_message(backfill)
        return self._summarise(backfill, seconds, changed)

    async def _make_destination(self) -> None:
        self._say("Making a webhook destination …")
        body = {"name": "people-webhook", "type": "webhook", "metadata": {"url": self._receiver.url}}
        await self._api.post(f"{self._project}/destinations", body)
        made = await self._api.get(f"{self._project}/destinations/people-webhook?includeSecrets=true")
        self._receiver.secret = made["secrets"]["webhookSigningKey"]
        self._say(f"  {self._receiver.url}, signed")

    async def _deploy(self) -> str:
        self._say("Deploying amp.yaml …")
        deployed = await self._api.put(f"{self._project}/integrations:batch", {"sourceYaml": MANIFEST.read_text()})
        integration: str = deployed[0]["id"]
        self._say(f"  integration {deployed[0]['name']}, revision {deployed[0]['latestRevision']['id']}")
        return integration

    async def _install(self, integration: str) -> str:
        self._say("A customer connects HubSpot and installs the integration …")
        who = {"groupRef": "acme", "groupName": "Acme Inc", "consumerRef": "ada", "consumerName": "Ada"}
        tokens = {"oauth2AuthorizationCode": {"accessToken": {"token": "demo"}}}
        connection = await self._api.post(
            f"{self._project}/connections:generate", {**who, "provider": "hubspot", **tokens}
        )
        installed = await self._api.post(
            f"{self._project}/integrations/{integration}/installations",
            {"groupRef": "acme", "connectionId": connection["id"], "config": {"content": {}}},
        )
        installation: str = installed["id"]
        self._say(f"  connection {connection['id']}, installation {installation}")
        return installation

    async def _watch_backfill(self, integration: str, installation: str) -> str:
        self._say("Reading all contacts (backfill) …")
        path = f"{self._project}/integrations/{integration}/installations/{installation}"
        deadline = time.monotonic() + BACKFILL_SECONDS
        told = -1
        while True:
            progress = await self._api.get(f"{path}/objects/contacts/backfill-progress")
            operation = await self._api.get(f"{self._project}/operations/{progress['operationId']}")
            if operation["status"] == "failure":
                raise DemoFailed(f"The backfill failed: {operation.get('result')}")
            if progress["recordsProcessed"] != told:
                told = progress["recordsProcessed"]
                total = progress.get("recordsEstimatedTotal")
                self._say(f"  {told:,} of {total:,} records" if total else f"  {told:,} records")
            if operation["status"] == "success":
                found: str = operation["id"]
                return found
            if time.monotonic() > deadline:
                raise DemoFailed(f"The backfill did not end within {BACKFILL_SECONDS:.0f} s.")
            await asyncio.sleep(POLL_SECONDS)

    async def _contact_ids(self) -> set[str]:
        """What HubSpot itself lists, to compare with."""
        ids: set[str] = set()
        after = ""
        while True:
            page = await self._hubspot.get(f"/crm/v3/objects/contacts?limit=100{after}")
            ids.update(record["id"] for record in page["results"])
            following = page.get("paging", {}).get("next")
            if following is None:
                return ids
            after = f"&after={following['after']}"

    async def _compare(self, operation: str, expected: set[str]) -> None:
        received = self._receiver
        with suppress(TimeoutError):  # what is missing is told below
            await received.until(lambda: len(received.records(operation)) >= len(expected), 30)
        ids = [str(record["raw"]["id"]) for record in received.records(operation)]
        missing = expected - set(ids)
        if missing:
            raise DemoFailed(f"{len(missing)} contacts did not arrive, such as {sorted(missing)[:5]}.")
        if len(ids) != len(expected) or received.rejected:
            raise DemoFailed(f"{len(ids)} records arrived for {len(expected)} contacts, {received.rejected} unsigned.")

    async def _read_a_change(self, integration: str) -> int:
        self._say("A contact changes in HubSpot; reading what is new …")
        since = datetime.now(UTC)
        touched = await self._hubspot.post("/_sim/records/contacts", {"count": 1})
        ids = touched["ids"]
        answer = await self._api.post(
            f"/read{self._project}/integrations/{integration}/objects/people",
            {"groupRef": "acme", "mode": "async", "sinceTimestamp": since.isoformat()},
        )
        operation = answer["operationId"]
        try:
            await self._receiver.until(lambda: bool(self._receiver.records(operation)), 60)
        except TimeoutError:
            raise DemoFailed("The changed contact did not arrive.") from None
        arrived = [str(record["raw"]["id"]) for record in self._receiver.records(operation)]
        if sorted(arrived) != sorted(ids):
            raise DemoFailed(f"Changed were {ids}, but {arrived} arrived.")
        self._say(f"  contact {ids[0]} arrived, and nothing else")
        return len(arrived)

    def _show_a_message(self, operation: str) -> None:
        identifier, message = next(
            (key, value) for key, value in self._receiver.messages.items() if value["operationId"] == operation
        )
        shown: dict[str, Any] = {**message, "result": message["result"][:1]}
        self._say(f"\nA delivered message ({identifier}), with the first of its records:\n")
        self._say(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())

    def _summarise(self, operation: str, seconds: float, changed: int) -> Shown:
        received = self._receiver
        messages = sum(message["operationId"] == operation for message in received.messages.values())
        shown = Shown(len(received.records(operation)), messages, seconds, received.verified, changed)
        self._say(
            f"\nSummary: {shown.records:,} records in {shown.messages} messages in {shown.seconds:.1f} s from "
            f"installation to the last delivery; {shown.changed} changed record after it; "
            f"{shown.verified} signatures verified, {received.rejected} wrong."
        )
        return shown


def _say_what_runs(platform: Platform, say: Say) -> None:
    access = orjson.loads((platform.data_dir / "bootstrap.json").read_bytes())
    say("\nEverything is left running:")
    say(f"  API       {platform.url}/v1/projects/{access['projectName']}")
    say(f"  API key   {access['apiKey']}")
    say(f"  HubSpot   {platform.simulators['hubspot']} (simulated)")
    say(f'  try       curl -H "X-Api-Key: {access["apiKey"]}" {platform.url}/v1/projects/default/connections')
    say("Press Ctrl-C to stop.")
