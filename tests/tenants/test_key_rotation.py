"""Rotations seal everything anew, lose nothing that changes meanwhile, and go on wherever they were killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from conjunct.app.tables import load_sealed_columns
from conjunct.core.database import Database
from conjunct.core.master_keys import MasterKeys, add_key, remove_key
from conjunct.kit.clock import ManualClock
from conjunct.kit.ids import new_id
from conjunct.queue import Done, Job, Outcome, PostgresEngine, Retry
from conjunct.tenants import NewProject, ProjectKeys, key_rotation
from conjunct.tenants.api_keys import ApiKeyService
from conjunct.tenants.key_rotation import ROTATE, SWEEP, KeyRotationRunning, KeyRotations, Rotation, walking
from conjunct.tenants.keys import KeyTimes
from conjunct.tenants.models import ApiKeyRow, ProjectKeyRow
from tests.support.tenants import make_project

TIMES = KeyTimes()
KEYS_OF_A_PROJECT = 5


@dataclass
class Bench:
    """A database with two projects, and one process on it; `process` makes another on the same key file."""

    database: Database
    path: Path
    clock: ManualClock
    projects: list[NewProject] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = PostgresEngine(self.database)
        self.restart()

    def restart(self) -> None:
        """Forget all that the process knows."""
        self.master = MasterKeys.from_file(self.path)
        self.keys = ProjectKeys(self.master, self.clock)
        self.rotations = KeyRotations(
            database=self.database,
            engine=self.engine,
            master=self.master,
            keys=self.keys,
            columns=load_sealed_columns,
            clock=self.clock,
        )

    async def make(self) -> None:
        for name in ("one", "two"):
            made = await make_project(self.database, self.keys, name)
            self.projects.append(made)
            async with self.database.transaction() as session:
                for _ in range(KEYS_OF_A_PROJECT - 1):
                    await ApiKeyService(self.keys).create(session, made.project_id, "more", ["full"])

    async def shown(self) -> list[str]:
        """The text of all API keys, opened."""
        async with self.database.transaction() as session:
            service, rows = ApiKeyService(self.keys), await session.execute(select(ApiKeyRow.project_id, ApiKeyRow.id))
            return sorted([(await service.get(session, *row)).key for row in rows.all()])

    async def start(self, how: str) -> str:
        async with self.database.transaction() as session:
            if how == "rewrap":
                return await self.rotations.rewrap(session, self.master.keyring)
            if how == "reseal":
                return await self.rotations.reseal(session)
            return await self.rotations.rotate_data_keys(session)

    async def step(self, kind: str = ROTATE) -> Outcome | None:
        """Have the queue give out the next job, delayed or not, and do it; None without one."""
        async with self.database.transaction() as session:
            claimed = await session.execute(_CLAIM, {"kind": kind})
            row = claimed.one_or_none()
        if row is None:
            return None
        job = Job(worker="here", **row._mapping)
        outcome = await self.rotations.handlers()[kind](job)
        async with self.database.transaction() as session:
            if isinstance(outcome, Retry):
                await session.execute(
                    text("update job set state = 'ready', worker = null where id = :id"), {"id": job.id}
                )
            else:
                await session.execute(text("delete from job where id = :id"), {"id": job.id})
        return outcome

    async def sweep(self) -> None:
        """The hourly sweep."""
        job = Job(0, "", None, SWEEP, SWEEP, 1, 10, "here")
        assert await self.rotations.handlers()[SWEEP](job) == Done()

    async def found(self, rotation_id: str) -> Rotation:
        async with self.database.transaction() as session:
            rotation = await self.rotations.find(session, rotation_id)
        assert rotation is not None
        return rotation

    async def sealed_with(self, column: Any) -> set[str]:
        """The ids of the keys that stand in a column's envelopes."""
        async with self.database.transaction() as session:
            return {bytes(each).split(b"|")[1].decode() for each in await session.scalars(select(column))}

    async def settle(self) -> None:
        """Let time pass until a data rotation that waits may go on."""
        self.clock.advance(TIMES.active_after + TIMES.cache_life + TIMES.settled_after)


_CLAIM = text("""
update job set state = 'running', worker = 'here', attempts = attempts + 1, lease_until = now() + interval '1 hour'
where id = (select min(id) from job where kind = :kind and state <> 'waiting')
returning id, tenant, lane, kind, ref_id, attempts, max_attempts
""")


@pytest.fixture
async def bench(database: Database, tmp_path: Path) -> Bench:
    bench = Bench(database, tmp_path / "master.key", ManualClock(datetime(2026, 3, 1, tzinfo=UTC)))
    await bench.make()
    return bench


@asynccontextmanager
async def holding(database: Database, statement: Any) -> AsyncIterator[None]:
    """A transaction that has changed something and is not committed before the block ends."""
    async with database.transaction() as session:
        await session.execute(statement)
        yield


async def test_a_new_master_key_rewraps_the_data_keys_and_the_old_one_can_go(bench: Bench) -> None:
    before = await bench.shown()
    assert add_key(bench.path) == "m2"
    assert await bench.shown() == before
    rotation = await bench.start("rewrap")
    assert await bench.start("rewrap") == rotation
    assert await bench.step() == Done()
    done = await bench.found(rotation)
    assert (done.phase, done.sealed, done.failed, done.finish_time) == ("done", 2, 0, bench.clock.now())
    assert await bench.sealed_with(ProjectKeyRow.wrapped) == {"m2"}
    remove_key(bench.path, "m1")
    bench.restart()
    assert await bench.shown() == before


async def test_answers_kept_for_idempotency_keys_are_sealed_anew_too(bench: Bench) -> None:
    place = f"idempotency_key:{b'id'.hex()}:answer"
    kept = {"now": bench.clock.now(), "answer": bench.master.encrypt(b"answer", place)}
    async with bench.database.transaction() as session:
        await session.execute(
            text(
                "insert into idempotency_key (id, request, holder, lease_until, answer, create_time)"
                " values (cast('id' as bytea), cast('x' as bytea), 'h', :now, :answer, :now)"
            ),
            kept,
        )
    add_key(bench.path)
    await bench.start("rewrap")
    async with bench.database.transaction() as session:
        assert (await bench.rotations.status(session)).uses == {
            "m1": {"idempotency_key.answer": 1, "project_key.wrapped": 2}
        }
    assert await bench.step() == Done()
    async with bench.database.transaction() as session:
        assert (await bench.rotations.status(session)).uses["m2"]["idempotency_key.answer"] == 1
        answer = await session.scalar(text("select answer from idempotency_key"))
    remove_key(bench.path, "m1")
    assert bench.master.decrypt(answer, place) == b"answer"


async def test_new_data_keys_for_all_and_the_old_ones_deleted(bench: Bench) -> None:
    before, old = await bench.shown(), await bench.sealed_with(ApiKeyRow.sealed)
    rotation = await bench.start("rotate_data_keys")
    with pytest.raises(KeyRotationRunning, match="are being rotated since"):
        await bench.start("rotate_data_keys")
    waiting = await bench.step()
    assert isinstance(waiting, Retry)
    assert not waiting.counted
    assert (await bench.found(rotation)).made == 2
    assert await bench.shown() == before
    assert await bench.sealed_with(ApiKeyRow.sealed) == old
    await bench.settle()
    assert await bench.step() == Done()
    done = await bench.found(rotation)
    assert (done.phase, done.sealed, done.failed) == ("done", 2 * KEYS_OF_A_PROJECT, 0)
    assert not old & await bench.sealed_with(ApiKeyRow.sealed)
    await bench.sweep()
    async with bench.database.transaction() as session:
        assert old < set(await session.scalars(select(ProjectKeyRow.id)))  # kept for those that may use them still
    bench.clock.advance(TIMES.kept)
    await bench.sweep()
    assert await bench.sealed_with(ApiKeyRow.sealed) == await data_keys(bench)
    bench.restart()
    assert await bench.shown() == before


async def data_keys(bench: Bench) -> set[str]:
    async with bench.database.transaction() as session:
        return set(await session.scalars(select(ProjectKeyRow.id)))


async def test_a_value_that_is_changed_meanwhile_stays_the_newer_one(bench: Bench) -> None:
    """One row is being changed, by a process that knows the old key only, when the walk comes to it."""
    project = bench.projects[0].project_id
    async with bench.database.transaction() as session:
        stale = await bench.keys.keyring(session, project)
        row_id = await session.scalar(select(func.min(ApiKeyRow.id)).where(ApiKeyRow.project_id == project))
    rotation = await bench.start("rotate_data_keys")
    await bench.step()
    await bench.settle()
    column = next(each for each in load_sealed_columns() if each.name == "api_key.sealed")
    newer = stale.encrypt(b"newer", column.place(row_id))
    async with holding(bench.database, update(ApiKeyRow).where(ApiKeyRow.id == row_id).values(sealed=newer)):
        again = await bench.step()
        assert isinstance(again, Retry)
        assert "1 values were in use" in again.error
        assert (await bench.found(rotation)).sealed == 2 * KEYS_OF_A_PROJECT - 1
    assert await bench.step() == Done()
    assert (await bench.found(rotation)).sealed == 2 * KEYS_OF_A_PROJECT
    async with bench.database.transaction() as session:
        sealed = await session.scalar(select(ApiKeyRow.sealed).where(ApiKeyRow.id == row_id))
        keyring = await bench.keys.keyring(session, project)
    assert sealed is not None
    assert sealed.startswith(f"v1|{keyring.current}|".encode())
    assert keyring.decrypt(sealed, column.place(row_id)) == b"newer"


async def test_a_change_waits_for_the_batch_and_comes_after_it(bench: Bench) -> None:
    """The other order: the walk has the row, and the change comes while it has."""
    await bench.start("rotate_data_keys")
    await bench.step()
    await bench.settle()
    column = next(each for each in load_sealed_columns() if each.name == "api_key.sealed")

    async def change(row_id: str) -> None:
        async with bench.database.transaction() as session:
            await session.execute(update(ApiKeyRow).where(ApiKeyRow.id == row_id).values(sealed=b"changed"))

    async def keyring_of(session: Any, project_id: str | None) -> Any:
        return await bench.keys.keyring(session, str(project_id))

    async with bench.database.transaction() as session:
        walked = await walking.seal_batch(session, column, keyring_of, None)
        assert walked.sealed == 2 * KEYS_OF_A_PROJECT
        changing = asyncio.create_task(change(str(walked.last[0] if walked.last else "")))
        async with bench.database.transaction() as other:
            while not await other.scalar(text("select count(*) from pg_locks where not granted")):
                assert not changing.done()
                await asyncio.sleep(0.01)
    await changing
    async with bench.database.transaction() as session:
        assert await session.scalar(select(func.count()).where(ApiKeyRow.sealed == b"changed")) == 1


async def test_killed_at_any_moment_it_goes_on_where_it_was(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process lives for a transaction more than the one before the last; each begins with what is stored."""
    monkeypatch.setattr(walking, "BATCH", 2)
    before = await bench.shown()
    rotation = await bench.start("rotate_data_keys")
    whole, kills, sealed = bench.database.transaction, 0, []
    while (await bench.found(rotation)).phase != "done":
        left = 1 + kills // 2

        @asynccontextmanager
        async def mortal() -> AsyncIterator[Any]:
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            async with whole() as session:
                yield session

        bench.restart()
        jobs = replace(bench.rotations.handlers()[ROTATE].__self__, database=Mortal(mortal))  # type: ignore[attr-defined]
        with suppress(Killed):
            row = await claimed(bench)
            kills += 1
            await jobs.rotate(row)
        sealed.append((await bench.found(rotation)).sealed)
        if (await bench.found(rotation)).phase == "waiting":
            await bench.settle()
    assert kills > 10
    assert sealed == sorted(sealed)
    assert sealed[-1] == 2 * KEYS_OF_A_PROJECT
    assert len(await data_keys(bench)) == 4
    assert await bench.shown() == before


class Killed(BaseException):
    """The process ends here."""


@dataclass(frozen=True)
class Mortal:
    """A database whose process is killed before one of its transactions."""

    transaction: Any


async def claimed(bench: Bench) -> Job:
    """The rotation's job, taken from the worker that had it."""
    async with bench.database.transaction() as session:
        row = (await session.execute(_CLAIM, {"kind": ROTATE})).one()
    return Job(worker="here", **row._mapping)


async def test_what_does_not_open_is_counted_and_its_key_stays(bench: Bench) -> None:
    async with bench.database.transaction() as session:
        row_id, sealed = (await session.execute(select(ApiKeyRow.id, ApiKeyRow.sealed).limit(1))).one()
        damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
        await session.execute(update(ApiKeyRow).where(ApiKeyRow.id == row_id).values(sealed=damaged))
    rotation = await bench.start("rotate_data_keys")
    await bench.step()
    await bench.settle()
    assert await bench.step() == Done()
    done = await bench.found(rotation)
    assert (done.phase, done.sealed, done.failed) == ("done", 2 * KEYS_OF_A_PROJECT - 1, 1)
    bench.clock.advance(TIMES.kept)
    await bench.sweep()
    assert damaged.split(b"|")[1].decode() in await data_keys(bench)
    assert len(await data_keys(bench)) == 3


async def test_a_key_stays_while_an_older_one_of_its_project_is_used(bench: Bench) -> None:
    """A payload's row tells the oldest key that its content in the storage may be sealed with."""
    project = bench.projects[0].project_id
    async with bench.database.transaction() as session:
        keyring = await bench.keys.keyring(session, project)
        await session.execute(
            text(
                "insert into delivery_payload (id, project_id, message_id, part, sealed_key, expires_at)"
                " values (:id, :project, 'm', 0, :sealed, :at)"
            ),
            {"id": new_id(), "project": project, "sealed": keyring.encrypt(b"k", "p"), "at": bench.clock.now()},
        )
    for _ in range(2):
        await bench.start("rotate_data_keys")
        await bench.step()
        await bench.settle()
        assert await bench.step() == Done()
        bench.clock.advance(TIMES.kept)
    await bench.sweep()
    assert len(await data_keys(bench)) == 3 + 1
    async with bench.database.transaction() as session:
        assert (await bench.rotations.status(session)).old["delivery_payload.sealed_key"] == 1
        await session.execute(text("delete from delivery_payload"))
    await bench.sweep()
    assert len(await data_keys(bench)) == 2


async def test_a_worker_with_older_master_keys_leaves_the_rotation_to_others(bench: Bench, tmp_path: Path) -> None:
    """As with keys from the environment: the operator has come to this worker's host last."""
    behind = tmp_path / "behind"
    behind.mkdir()
    (behind / "master.key").write_text(bench.path.read_text())
    add_key(bench.path)
    rotation = await bench.start("rewrap")
    ahead, bench.path = bench.path, behind / "master.key"
    bench.restart()
    refused = await bench.step()
    assert isinstance(refused, Retry)
    assert not refused.counted
    assert (await bench.found(rotation)).note == "a worker still encrypts with the master key m1, not with m2"
    assert await bench.sealed_with(ProjectKeyRow.wrapped) == {"m1"}
    bench.path.write_text(ahead.read_text())
    assert await bench.step() == Done()
    assert await bench.sealed_with(ProjectKeyRow.wrapped) == {"m2"}


async def test_what_a_process_sealed_late_is_resealed_without_new_keys(bench: Bench) -> None:
    project = bench.projects[0].project_id
    async with bench.database.transaction() as session:
        stale = await bench.keys.keyring(session, project)
    await bench.start("rotate_data_keys")
    await bench.step()
    await bench.settle()
    await bench.step()
    column = next(each for each in load_sealed_columns() if each.name == "api_key.sealed")
    async with bench.database.transaction() as session:
        row_id = await session.scalar(select(func.min(ApiKeyRow.id)).where(ApiKeyRow.project_id == project))
        late = stale.encrypt(b"late", column.place(row_id))
        await session.execute(update(ApiKeyRow).where(ApiKeyRow.id == row_id).values(sealed=late))
    bench.clock.advance(TIMES.kept + timedelta(hours=1))
    await bench.sweep()
    assert len(await data_keys(bench)) == 3
    rotation = await bench.start("reseal")
    assert await bench.start("reseal") == rotation
    assert await bench.step() == Done()
    assert (await bench.found(rotation)).sealed == 1
    await bench.sweep()
    assert len(await data_keys(bench)) == 2


async def test_nothing_to_do_is_done(bench: Bench) -> None:
    assert await bench.step() is None
    rotation = await bench.start("rewrap")
    assert await bench.step() == Done()
    assert (await bench.found(rotation)).sealed == 0
    assert {ROTATE, SWEEP} == set(bench.rotations.handlers())
    async with bench.database.transaction() as session:
        await key_rotation.ensure_sweep(bench.engine, session)
        assert await session.scalar(text("select count(*) from schedule where kind = :kind"), {"kind": SWEEP}) == 1
