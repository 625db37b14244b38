"""Delivery under all interleavings: no message is lost, whatever becomes of workers, destinations and the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.app.tables import load_metadata
from conjunct.core.encryption import Keyring, new_key
from conjunct.core.storage import FolderStorage
from conjunct.delivery import DeliveryOptions, DeliveryService, Message
from conjunct.delivery.problems import DeliveryNotFound, DestinationDisabled, MessageNotKept
from conjunct.delivery.schedule import MAX_ATTEMPTS
from conjunct.delivery.schemas import CreateDestination
from conjunct.queue import Done, Handler, Job, NewJob, Outcome, PostgresEngine
from conjunct.tenants import NewProject, ProjectKeys
from tests.simulation.destination import MODES, URL, SimulatedDestination
from tests.simulation.environment import Environment, HostClock
from tests.simulation.machine import OPTIONS, Machine
from tests.simulation.stepping import Process
from tests.support.tenants import make_project

PAGES = 2
MESSAGES = 2
DELIVERY = DeliveryOptions(
    public_url="https://conjunct.example", allowed_networks=(ip_network("127.0.0.0/8"),), concurrency=1
)


class DeliveryMachine(Machine):
    """Readers that hand over page after page, producers that enqueue, a destination that fails, builders that steer."""

    TABLES: ClassVar[tuple[str, ...]] = (
        *("job", "schedule", "worker", "simulated.position"),
        *(table.name for table in reversed(load_metadata().sorted_tables) if table.name.startswith("delivery_")),
        "destination",
    )
    KEYS: ClassVar[ProjectKeys]
    PROJECT: ClassVar[NewProject]

    def __init__(self) -> None:
        super().__init__()
        self.engine = PostgresEngine(self.environment.database, OPTIONS)
        self.receiver = SimulatedDestination(self.steps)
        self.project_id = self.PROJECT.project_id
        self.builder = self._service(Process("builder"))
        self.destination_id = ""
        self.made = 0

    def _service(self, process: Process) -> DeliveryService:
        return DeliveryService(
            database=self.environment.database,
            keys=self.KEYS,
            egress=self.receiver,
            engine=self.engine,
            storage=FolderStorage(Path("/nonexistent")),
            options=DELIVERY,
            clock=HostClock(self.environment, process),
            rng=Random(self.started),
        )

    def handlers(self, process: Process) -> Mapping[str, Handler]:
        """Those of delivery, and a reader that hands over page after page, as reads do."""
        service = self._service(process)

        async def read(job: Job) -> Outcome:
            while True:
                async with self.environment.database.transaction() as session:
                    await self.engine.fence(session, job)
                    page = await session.scalar(_POSITION, {"reader": job.ref_id})
                    if page is None or page >= PAGES:
                        await self.engine.finish(session, job)
                        return Done()
                    channel = await service.open_channel(session, self.project_id, self.destination_id)
                messages = [self._message(each) for each in _of_page(job.ref_id, page)]
                results = await service.attempt(channel, messages)
                async with self.environment.database.transaction() as session:
                    await self.engine.fence(session, job)
                    await service.record(session, results)
                    await session.execute(_GO_ON, {"reader": job.ref_id})

        return {"read": read, **service.handlers()}

    def _message(self, id_: str) -> Message:
        body = orjson.dumps({"id": id_})
        return Message(id_, self.project_id, self.destination_id, None, body, 1, ordering_key=id_.partition("-")[0])

    async def prepare(self, variant: bool) -> None:
        """See `Machine`. A webhook, that wants things in order or not."""
        given = CreateDestination.model_validate(
            {"name": "hook", "type": "webhook", "metadata": {"url": URL}, "delivery": {"ordered": variant}}
        )
        contents = await self.builder.destinations.check_new(given)
        async with self.environment.database.transaction() as session:
            shown = await self.builder.destinations.create(session, self.project_id, "hook", "webhook", contents)
        self.destination_id = shown["id"]

    def hand_in_first(self, _opening: str, _variant: bool) -> None:
        """See `Machine`."""
        self._hand_in("read")

    @rule(kind=st.sampled_from(["read", "read", "enqueue"]))
    def hand_in(self, kind: str) -> None:
        """A read begins, or somebody has a message to be sent."""
        self._hand_in(kind)

    def _hand_in(self, kind: str) -> None:
        self.made += 1
        name = f"{kind}{self.made}"

        async def begin(session: AsyncSession) -> None:
            await session.execute(_BEGIN, {"reader": name, "pages": 0 if kind == "read" else -1})
            if kind == "read":
                lane = f"{self.project_id}/read/{self.made % 2}"
                await self.engine.enqueue(session, [NewJob(self.project_id, "read", name, lane, None, 1000)])
            else:
                await self.builder.enqueue(session, [self._message(name)])

        self.produce(name, begin)

    @rule(mode=st.sampled_from(MODES))
    def turn(self, mode: str) -> None:
        """The destination answers otherwise from now on."""
        self.receiver.mode = mode

    @rule(kind=st.sampled_from(["enable", "disable", "recover", "replay", "replay"]), which=st.integers(0, 5))
    def steer(self, kind: str, which: int) -> None:
        """The builder steers deliveries."""
        deliveries, of = self.builder.deliveries, (self.project_id, self.destination_id)

        async def steer(session: AsyncSession) -> None:
            match kind:
                case "enable":
                    await deliveries.enable(session, *of)
                case "disable":
                    await deliveries.disable(session, *of, None)
                case "recover":
                    await deliveries.recover(session, *of, None, None)
                case "replay":
                    known = (await session.scalars(text("select id from delivery_message order by id"))).all()
                    if known:
                        await deliveries.replay(session, *of, known[which % len(known)])

        self.produce(kind, steer, refused=(DeliveryNotFound, DestinationDisabled, MessageNotKept))

    async def check(self) -> None:
        """What must hold after every step."""
        rows = await self.environment.look(_WAITING)
        for row in rows:
            if row["state"] == "pending" and row["next_at"] is not None:
                assert row["has_job"], f"{row['id']} waits for {row['next_at']}, and no job will come"
            assert row["attempts"] <= MAX_ATTEMPTS, f"{row['id']} was tried {row['attempts']} times"
        waiting = {row["id"] for row in rows}
        for id_ in await self._handed_over():
            assert id_ in waiting or id_ in self.receiver.taken, f"{id_} is lost"
        for health in await self.environment.look("select * from destination"):
            assert (health["disabled_reason"] is None) == (health["state"] == "enabled")
            if health["consecutive_failures"] >= 5:
                assert health["breaker_open_until"] is not None, "it has failed again and again, and all is sent to it"

    async def _handed_over(self) -> list[str]:
        positions = await self.environment.look("select * from simulated.position")
        read = [id_ for row in positions for page in range(row["pages"]) for id_ in _of_page(row["producer"], page)]
        return read + [row["producer"] for row in positions if row["pages"] < 0]

    async def wind_down(self) -> None:
        """See `Machine`. The destination is well; what was set aside goes out, then what was given up is recovered."""
        self.receiver.mode = "up"
        await self.go_on_until(_NO_JOB)
        found = await self.environment.look("select * from destination")
        if not found:  # the example ended before there was one
            return
        if found[0]["state"] == "enabled":
            aside = await self.environment.look("select id from delivery_message where state = 'pending'")
            assert not aside, f"set aside, and forgotten when the destination was enabled: {[*aside]}"
        async with self.environment.database.transaction() as session:
            await self.builder.deliveries.recover(session, self.project_id, self.destination_id, None, None)
        await self.go_on_until(_NO_JOB)

    async def check_end(self) -> None:
        """Everything has arrived."""
        missing = set(await self._handed_over()) - self.receiver.taken.keys()
        assert not missing, f"never sent: {sorted(missing)}"
        left = await self.environment.look("select id, state from delivery_message")
        assert not left, f"still kept: {[*left]}"
        dead = await self.environment.look("select kind, ref_id, error from job")
        assert not dead, f"given up: {[*dead]}"


def _of_page(reader: str, page: int) -> list[str]:
    return [f"{reader}-{page}-{number}" for number in range(MESSAGES)]


_BEGIN = text("insert into simulated.position (producer, pages) values (:reader, :pages)")
_POSITION = text("select pages from simulated.position where producer = :reader")
_GO_ON = text("update simulated.position set pages = pages + 1 where producer = :reader")
_NO_JOB = "not exists (select from job where state <> 'dead')"
_WAITING = """
select id, state, attempts, next_at, exists (
    select from job j where j.ref_id = m.id and j.kind = 'delivery.retry' and j.state <> 'dead'
) as has_job from delivery_message m
"""


def delivery_machine(environment: Environment) -> type[DeliveryMachine]:
    """The machine on that environment, with a project."""
    keys = ProjectKeys(Keyring({"m1": new_key()}, current="m1"))
    project = environment.run(make_project(environment.database, keys, "simulated"))
    given: dict[str, Any] = {"KEYS": keys, "PROJECT": project}
    return type("Delivery", (DeliveryMachine,), {"ENVIRONMENT": environment, "PLAYED": Counter(), **given})
