"""Delivery with a real queue, a real receiver, and a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text

from conjunct.core.database import Database
from conjunct.core.egress import Egress, EgressPolicy
from conjunct.core.encryption import Keyring, new_key
from conjunct.core.storage import FolderStorage
from conjunct.delivery import (
    DeliveryOptions,
    DeliveryService,
    Message,
    Result,
    deliveries_router,
    feed_router,
    payload_router,
    router,
)
from conjunct.delivery.schemas import CreateDestination, DeliveryTerms
from conjunct.kit.clock import ManualClock
from conjunct.queue import Job, Outcome, PostgresEngine, claims, settlement
from conjunct.tenants import Authenticator, NewProject, ProjectKeys
from tests.support.receiver import Receiver, webhook_receiver
from tests.support.servers import serve, slice_api
from tests.support.specification import checked
from tests.support.tenants import make_project

LOOPBACK = (ip_network("127.0.0.0/8"),)
PUBLIC_URL = "https://conjunct.example"


class Mean(Random):
    """No jitter: always the middle."""

    def uniform(self, _low: float, _high: float) -> float:
        return 1.0


@dataclass
class World:
    """Delivery, and a look into its tables."""

    database: Database
    service: DeliveryService
    engine: PostgresEngine
    egress: Egress
    keys: ProjectKeys
    clock: ManualClock
    project: NewProject
    other: NewProject
    receiver: Receiver
    folder: Path
    disabled: list[Any] = field(default_factory=list)

    @property
    def project_id(self) -> str:
        return self.project.project_id

    def another_process(self, options: DeliveryOptions | None = None) -> DeliveryService:
        """A second service on the same database, which remembers nothing."""
        return DeliveryService(
            database=self.database,
            keys=self.keys,
            egress=self.egress,
            engine=self.engine,
            storage=FolderStorage(self.folder),
            options=options or OPTIONS,
            clock=self.clock,
            rng=Mean(),
        )

    async def make_destination(
        self, name: str = "hook", delivery: dict[str, Any] | None = None, **metadata: Any
    ) -> dict[str, Any]:
        """A webhook to the receiver, which then trusts its key."""
        terms = None if delivery is None else DeliveryTerms(**delivery)
        given = CreateDestination(
            name=name, type="webhook", metadata={"url": self.receiver.url, **metadata}, delivery=terms
        )
        contents = await self.service.destinations.check_new(given)
        async with self.database.transaction() as session:
            await self.service.destinations.create(session, self.project_id, name, "webhook", contents)
            shown = await self.service.destinations.show(session, self.project_id, name, secrets=True)
        self.receiver.trust(shown["secrets"]["webhookSigningKey"])
        return shown

    async def make_feed(self, name: str = "feed", keep_hours: int | None = None) -> dict[str, Any]:
        """A destination that nothing is sent to."""
        terms = DeliveryTerms(keep_hours=keep_hours)
        given = CreateDestination(name=name, type="feed", metadata={}, delivery=terms)
        contents = await self.service.destinations.check_new(given)
        async with self.database.transaction() as session:
            return await self.service.destinations.create(session, self.project_id, name, "feed", contents)

    def message(self, destination: dict[str, Any], id_: str = "op-1", body: object = None, **more: Any) -> Message:
        content = orjson.dumps({"id": id_} if body is None else body)
        return Message(id_, self.project_id, destination["id"], "op", content, 1, **more)

    async def hand_over(self, *messages: Message, service: DeliveryService | None = None) -> list[Result]:
        """What a read run does with a page."""
        service = service or self.service
        async with self.database.transaction() as session:
            channel = await service.open_channel(session, self.project_id, messages[0].destination_id)
        results = await service.attempt(channel, messages)
        async with self.database.transaction() as session:
            await service.record(session, results)
        return results

    async def retry(self, message_id: str) -> Outcome:
        """Move the clock to the message's next attempt and let a worker make it."""
        row = await self.kept(message_id)
        if row.next_at > self.clock.now():
            self.clock.set(row.next_at)
        return await self.run_job(message_id)

    async def run_job(self, message_id: str) -> Outcome:
        """Let a worker run the message's job now, whatever the time."""
        job = await self.claim(message_id)
        outcome = await self.service.handlers()[job.kind](job)
        async with self.database.transaction() as session:
            await settlement.settle(session, job.worker, [(job, outcome)])
        return outcome

    async def claim(self, message_id: str) -> Job:
        """The message's job, as a worker holds it."""
        await self.execute("update job set state = 'ready' where ref_id = :id", id=message_id)
        async with self.database.transaction() as session:
            found = await claims.claim(session, worker="w", size=1, lease=timedelta(minutes=5), tenant_cap=100)
        (job,) = found.jobs
        return job

    async def kept(self, message_id: str) -> Any:
        (row,) = await self.execute("select * from delivery_message where id = :id", id=message_id)
        return row

    async def attempts(self, message_id: str = "op-1") -> list[tuple[int, int | None]]:
        """Number and status of every attempt at the message."""
        rows = await self.execute(
            "select number, status from delivery_attempt where message_id = :id order by id", id=message_id
        )
        return [tuple(row) for row in rows]

    async def jobs(self) -> list[str]:
        """The messages that jobs are to try again."""
        rows = await self.execute("select ref_id from job where kind = 'delivery.retry' order by id")
        return [row.ref_id for row in rows]

    async def destination(self, destination: dict[str, Any]) -> Any:
        (row,) = await self.execute("select * from destination where id = :id", id=destination["id"])
        return row

    async def execute(self, statement: str, **values: Any) -> Sequence[Any]:
        async with self.database.transaction() as session:
            result: Any = await session.execute(text(statement), values)
            return result.all() if result.returns_rows else ()


OPTIONS = DeliveryOptions(public_url=PUBLIC_URL, allowed_networks=LOOPBACK, spool_limit_bytes=1000)


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    async with Egress(policy=EgressPolicy(LOOPBACK), user_agent="conjunct-tests") as egress:
        yield egress


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with webhook_receiver(check_time=False) as receiver:
        yield receiver


@pytest.fixture
async def world(database: Database, egress: Egress, receiver: Receiver, tmp_path: Path) -> World:
    keys = ProjectKeys(Keyring({"m1": new_key()}, current="m1"))
    clock = ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    engine = PostgresEngine(database)
    project = await make_project(database, keys, "acme")
    other = await make_project(database, keys, "other")
    service = DeliveryService(
        database=database,
        keys=keys,
        egress=egress,
        engine=engine,
        storage=FolderStorage(tmp_path),
        options=OPTIONS,
        clock=clock,
        rng=Mean(),
    )
    world = World(database, service, engine, egress, keys, clock, project, other, receiver, tmp_path)

    async def listen(_session: Any, disabled: Any) -> None:
        world.disabled.append(disabled)

    service.on_disabled(listen)
    return world


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The API, with a key of the project `acme`; every answer is checked against the specification."""
    app = slice_api(router, payload_router, feed_router, deliveries_router)
    app.state.database = world.database
    app.state.authenticator = Authenticator(world.database)
    app.state.delivery = world.service
    app.state.page_keys = Keyring({"k": b"k" * 32}, "k").derive("page tokens")
    async with serve(app, headers={"X-Api-Key": world.project.api_key}) as client:
        yield checked(client)
