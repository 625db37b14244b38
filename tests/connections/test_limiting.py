"""The requests of a connection stay within its provider's limits, whichever process sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from aiohttp import web
from sqlalchemy import text

from conjunct.connections import ConnectionNotFound
from conjunct.connections.limiting import ConnectionLimiter, Limiters
from conjunct.connectors import ReadQuery
from conjunct.connectors.definition import Bucket
from conjunct.connectors.errors import HeldBack, RateLimited
from conjunct.core.database import Database
from conjunct.core.pacing import Pace
from conjunct.kit.clock import ManualClock
from tests.connections.conftest import NOW
from tests.connections.flows import WHO, Flow

HOURS = {"default": Bucket(requests=100, seconds=36_000), "search": Bucket(requests=3, seconds=36_000)}


class Time:
    """Time that passes when somebody waits; `waking` is done then."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.seconds = 50.0
        self.waited: list[float] = []
        self.waking: Callable[[], Awaitable[None]] | None = None

    @property
    def pace(self) -> Pace:
        return Pace(lambda: self.seconds, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.waited.append(round(seconds))
        self.pass_by(seconds)
        if self.waking is not None:
            await self.waking()

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds
        self.clock.advance(timedelta(seconds=seconds))


class Fleet:
    """Processes on one database, each with its own pool, and two connections."""

    def __init__(self, flow: Flow, mine: str, other: str) -> None:
        self.flow = flow
        self.time = Time()
        self.mine = mine
        self.other = other
        self._databases: list[Database] = []

    def process(self, connection: str = "") -> ConnectionLimiter:
        database = Database(self.flow.database.dsn)
        self._databases.append(database)
        limiters = Limiters(database, self.time.clock, pace=self.time.pace)
        return limiters.of(self.flow.project.project_id, connection or self.mine, HOURS, throttled_until=None)

    async def taken(self, name: str) -> int:
        """What the connections took from the bucket, of all that still counts."""
        statement = "SELECT sum(n::int) FROM connection_bucket, jsonb_array_elements(taken) n WHERE name = :name"
        async with self.flow.database.reading() as reading:
            return int(await reading.scalar(text(statement), {"name": name}) or 0)

    async def let_time_pass(self) -> None:
        """Let all that was taken be as old as the buckets are long."""
        async with self.flow.database.transaction() as session:
            await session.execute(text("UPDATE connection_bucket SET slot = slot - 12"))

    async def end(self) -> None:
        for database in self._databases:
            await database.dispose()


@pytest.fixture
async def fleet(flow: Flow):
    async def proof(_request: web.Request) -> list[object]:
        return []

    flow.server.answer = proof
    ids = []
    for group in ("one", "two"):
        body = {"provider": "keyed", **WHO, "groupRef": group, "apiKey": "a-key"}
        made = await flow.client.post("/v1/projects/acme/connections:generate", json=body)
        assert made.status_code == 201, made.text
        ids.append(made.json()["id"])
    fleet = Fleet(flow, *ids)
    yield fleet
    await fleet.end()


async def spend(limiter: ConnectionLimiter, bucket: str | None = None, patience: float = 0) -> int:
    """Take until none is left; how many there were."""
    count, held = 0, None
    while held is None:
        try:
            await limiter.take(bucket, patience=patience)
            count += 1
        except HeldBack as error:
            held = error
    assert "requests in 36000 s is used up" in held.message
    assert 1 <= (held.retry_after or 0) <= 39_602
    return count


async def test_processes_share_a_bucket_and_connections_do_not(fleet: Fleet) -> None:
    one, two = fleet.process(), fleet.process()
    for limiter in (one, two) * 10:
        await limiter.take(None, patience=0)
    counts = await asyncio.gather(spend(one), spend(two), spend(one))
    assert sum(counts) == 80
    assert await fleet.taken("default") == 100
    assert await spend(fleet.process()) == 0, "one that comes later finds nothing"
    assert await spend(fleet.process(fleet.other)) == 100
    await fleet.let_time_pass()
    fleet.time.pass_by(40_000)
    assert await spend(two) == 100


async def test_a_named_bucket_counts_besides_the_default_one(fleet: Fleet) -> None:
    limiter = fleet.process()
    assert await spend(limiter, "search") == 3
    assert await fleet.taken("search") == 3
    assert await spend(limiter) == 97
    assert await spend(fleet.process(), "unheard-of") == 0


async def test_lots_grow_with_use_and_lapse_without(fleet: Fleet) -> None:
    limiter = fleet.process()
    for seen in (1, 3, 3, 7, 7, 7, 7, 15):
        await limiter.take(None, patience=0)
        assert await fleet.taken("default") == seen
    fleet.time.pass_by(2)  # as for the lot of a process that was killed
    await limiter.take(None, patience=0)
    assert await fleet.taken("default") == 16, "small ones at first"
    for _ in range(60):
        await limiter.take(None, patience=0)
    assert await fleet.taken("default") <= 76 + 10, "a tenth of the bucket at most"


async def test_who_came_first_goes_first(fleet: Fleet) -> None:
    limiter, order = fleet.process(), []
    await spend(limiter, "search")
    fleet.time.waking = fleet.let_time_pass

    async def reader(number: int) -> None:
        await limiter._hand["search"].take(1e6)
        order.append(number)

    await asyncio.gather(*map(reader, range(8)))
    assert order == list(range(8))
    assert len(fleet.time.waited) == 3, "one waits for all"


async def test_who_cannot_wait_is_told_though_others_do(fleet: Fleet) -> None:
    limiter, waits, woken = fleet.process(), asyncio.Event(), asyncio.Event()
    await spend(limiter, "search")

    async def waking() -> None:
        waits.set()
        await woken.wait()
        await fleet.let_time_pass()

    fleet.time.waking = waking
    patient = asyncio.create_task(limiter.take("search", patience=1e6))
    await waits.wait()
    with pytest.raises(HeldBack):
        await limiter.take("search", patience=0)
    woken.set()
    await patient


async def test_a_pause_that_one_process_hears_of_stops_all(fleet: Fleet) -> None:
    one, two, other = fleet.process(), fleet.process(), fleet.process(fleet.other)
    await two.take(None, patience=0)
    await one.pause(60)
    with pytest.raises(HeldBack, match="slow down") as held:
        await one.take(None, patience=10)
    assert held.value.retry_after == 60
    with pytest.raises(HeldBack, match="slow down"):
        await two.take(None, patience=10)  # its lot is spent: it hears with the next
    fleet.time.pass_by(5)
    with pytest.raises(HeldBack, match="slow down"):
        await fleet.process().take("search", patience=10)
    await other.take(None, patience=0)
    await two.take(None, patience=55)
    assert fleet.time.waited == [55]


async def test_a_pause_that_cannot_be_told_to_the_others_is_heeded_all_the_same(fleet: Fleet) -> None:
    away = Database("postgresql://postgres@127.0.0.1:1/away")
    limiter = Limiters(away, fleet.time.clock, pace=fleet.time.pace).of("acme", fleet.mine, {}, throttled_until=None)
    await limiter.pause(60)
    with pytest.raises(HeldBack, match="slow down"):
        await limiter.take(None, patience=10)
    await away.dispose()


async def test_a_connection_that_is_deleted_takes_its_buckets_along(fleet: Fleet) -> None:
    limiter = fleet.process()
    await limiter.take(None, patience=0)
    assert (await fleet.flow.client.delete(f"/v1/projects/acme/connections/{fleet.mine}")).is_success
    assert await fleet.taken("default") == 0
    with pytest.raises(ConnectionNotFound):
        await spend(limiter)


async def test_what_a_provider_asks_of_one_connector_holds_for_all_of_the_connection(fleet: Fleet) -> None:
    flow, asked = fleet.flow, []

    async def answer(_request: web.Request) -> web.Response:
        asked.append(flow.database.engine.pool.checkedout())  # type: ignore[attr-defined]
        return web.json_response({}, status=429, headers={"Retry-After": "30"})

    flow.server.answer = answer
    for kind in (RateLimited, HeldBack):
        flow.service._limiters = Limiters(flow.database, flow.clock)  # as of another process
        async with flow.database.transaction() as session:
            connector = await flow.service.connector(session, flow.project.project_id, fleet.mine)
        with pytest.raises(kind) as raised:
            await connector.read_page(ReadQuery("things"))
        assert (type(raised.value), raised.value.retry_after) == (kind, 30)
    assert asked == [0], "once, while no transaction was open"
