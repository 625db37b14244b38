"""The jobs of key rotations: one that seals anew, from where it stopped, and a sweep that deletes old data keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.core.encryption import Keyring
from conjunct.core.master_keys import MasterKeys
from conjunct.core.sealed_columns import SealedColumn
from conjunct.kit.clock import Clock
from conjunct.queue import Done, Engine, Handler, Job, NewJob, Outcome, Retry, Schedule
from conjunct.tenants.key_rotation import data_keys, repository, usage
from conjunct.tenants.key_rotation.repository import Kind, Rotation
from conjunct.tenants.key_rotation.walking import seal_batch
from conjunct.tenants.keys import KeyTimes, ProjectKeys

ROTATE = "keys.rotate"
SWEEP = "keys.sweep"

AGAIN = timedelta(seconds=5)
"""When what others held locked, or sealed with another key meanwhile, is looked at again."""

_MAX_ATTEMPTS = 1000  # what counts are crashes, and these must not end a rotation

log = structlog.get_logger(__name__)


def rotation_job(kind: Kind, rotation_id: str) -> NewJob:
    """The job that does a rotation; those of a kind one after another."""
    return NewJob("", ROTATE, rotation_id, lane=f"{ROTATE}.{kind}", max_attempts=_MAX_ATTEMPTS)


async def ensure_sweep(engine: Engine, session: AsyncSession) -> None:
    """Have the worker look for data keys to delete every hour."""
    await engine.put_schedule(session, Schedule("", SWEEP, SWEEP, SWEEP, SWEEP, "23 * * * *"))


@dataclass(frozen=True, slots=True)
class RotationJobs:
    """The handlers. `columns` are those of all slices."""

    database: Database
    engine: Engine
    master: MasterKeys
    keys: ProjectKeys
    columns: Sequence[SealedColumn]
    clock: Clock
    times: KeyTimes

    def handlers(self) -> dict[str, Handler]:
        """By job kind."""
        return {ROTATE: self.rotate, SWEEP: self.sweep}

    async def rotate(self, job: Job) -> Outcome:
        """Do a rotation, or what can be done of it now. Killed at any moment, it goes on after its last batch."""
        async with self.database.transaction() as session:
            rotation = await repository.find(session, job.ref_id)
        if rotation is None:
            return Done()
        if rotation.phase == "making":
            rotation = await self._make_keys(job, rotation)
        if rotation.phase == "waiting":
            now = self.clock.now()
            if rotation.seal_at is not None and rotation.seal_at > now:
                return Retry(rotation.seal_at - now, "until all processes use the new keys", counted=False)
            rotation = await self._change(job, rotation, phase="sealing")
        if rotation.phase == "sealing":
            return await self._seal(job, rotation)
        return Done()

    async def sweep(self, _job: Job) -> Outcome:
        """Delete the data keys that were replaced some time ago and open nothing any more."""
        before, after, deleted = self.clock.now() - self.times.kept, None, 0
        while True:
            async with self.database.transaction() as session:
                gone, after = await data_keys.delete_unused_batch(session, self.columns, before=before, after=after)
            deleted += gone
            if after is None:
                break
        if deleted:
            log.info("keys.deleted", keys=deleted)
        return Done()

    async def _make_keys(self, job: Job, rotation: Rotation) -> Rotation:
        while True:
            active_at = self.clock.now() + self.times.active_after
            async with self.database.transaction() as session:
                await self.engine.fence(session, job)
                made = await data_keys.make_batch(session, self.keys, rotation.id, active_at)
                rotation = await _set(session, rotation, made=rotation.made + made)
            if not made:
                log.info("keys.made", rotation=rotation.id, keys=rotation.made)
                settled = active_at + self.times.cache_life + self.times.settled_after
                return await self._change(job, rotation, phase="waiting", seal_at=settled)

    async def _seal(self, job: Job, rotation: Rotation) -> Outcome:
        if rotation.kind == "master" and (told := _behind(self.master.keyring, rotation.target)):
            await self._change(job, rotation, note=told)
            return Retry(AGAIN, told, counted=False)
        columns = sorted((each for each in self.columns if self._concerns(rotation, each)), key=lambda each: each.name)
        for column in columns:
            rotation = await self._walk(job, rotation, column)
        async with self.database.transaction() as session:
            left = await self._left(session, rotation, columns)
        return await self._end(job, rotation, left)

    def _concerns(self, rotation: Rotation, column: SealedColumn) -> bool:
        sealed_with = "master" if rotation.kind == "master" else "project"
        return column.sealed_with == sealed_with and column.short_lived is None

    async def _walk(self, job: Job, rotation: Rotation, column: SealedColumn) -> Rotation:
        """Walk what is left of the column, a transaction a batch."""
        position = rotation.position or {}
        if position.get("column", "") > column.name:
            return rotation
        after = position.get("after") if position.get("column") == column.name else None
        while True:
            async with self.database.transaction() as session:
                await self.engine.fence(session, job)
                walked = await seal_batch(session, column, self._keyring, after)
                if walked.last is None:
                    return rotation
                after = walked.last
                failed = (rotation.position or {}).get("failed", 0) + walked.failed
                rotation = await _set(
                    session,
                    rotation,
                    sealed=rotation.sealed + walked.sealed,
                    position={"column": column.name, "after": after, "failed": failed},
                )

    async def _left(self, session: AsyncSession, rotation: Rotation, columns: Sequence[SealedColumn]) -> int:
        """How many values are sealed with another key than they shall be."""
        if rotation.kind == "data":
            return sum((await usage.sealed_with_old_keys(session, columns, self.clock.now())).values())
        return await usage.sealed_otherwise(session, columns, self.master.keyring.current)

    async def _end(self, job: Job, rotation: Rotation, left: int) -> Outcome:
        failed = (rotation.position or {}).get("failed", 0)
        if left > failed:
            note = f"{left - failed} values were in use, or are still sealed with an older key by some process"
            await self._change(job, rotation, position=None, note=note)
            return Retry(AGAIN, note, counted=False)
        async with self.database.transaction() as session:
            await _set(
                session,
                rotation,
                phase="done",
                position=None,
                failed=failed,
                note=None,
                finish_time=self.clock.now(),
            )
            await self.engine.finish(session, job)
        log.info("keys.rotated", kind=rotation.kind, rotation=rotation.id, sealed=rotation.sealed, failed=failed)
        return Done()

    async def _change(self, job: Job, rotation: Rotation, **values: Any) -> Rotation:
        async with self.database.transaction() as session:
            await self.engine.fence(session, job)
            return await _set(session, rotation, **values)

    async def _keyring(self, session: AsyncSession, project_id: str | None) -> Keyring:
        return self.master.keyring if project_id is None else await self.keys.keyring(session, project_id)


async def _set(session: AsyncSession, rotation: Rotation, **values: Any) -> Rotation:
    await repository.change(session, rotation.id, **values)
    return replace(rotation, **values)


def _behind(keyring: Keyring, target: str | None) -> str | None:
    """Why this process cannot do a rotation to that master key, if it cannot: its own are older."""
    if target is None or (target in keyring.ids and keyring.ids.index(target) <= keyring.ids.index(keyring.current)):
        return None
    return f"a worker still encrypts with the master key {keyring.current}, not with {target}"
