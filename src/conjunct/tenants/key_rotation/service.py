"""Rotations of keys, as the operator asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.database import Database
from conjunct.core.encryption import Keyring
from conjunct.core.master_keys import MasterKeys
from conjunct.core.sealed_columns import SealedColumn
from conjunct.kit.clock import Clock
from conjunct.queue import Engine, Handler
from conjunct.tenants.key_rotation import data_keys, repository, usage
from conjunct.tenants.key_rotation.jobs import RotationJobs, rotation_job
from conjunct.tenants.key_rotation.problems import KeyRotationRunning
from conjunct.tenants.key_rotation.repository import Rotation
from conjunct.tenants.keys import KeyTimes, ProjectKeys

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What there is, without any key.

    `uses` counts what each master key has sealed, by key id and column; `old` what data keys have sealed that are not
    their project's current one, by column, short-lived ones included.
    """

    uses: Mapping[str, Mapping[str, int]]
    data_keys: int
    projects: int
    old: Mapping[str, int]
    rotations: Sequence[Rotation]

    def uses_of(self, key_id: str) -> int:
        """How many values a master key has sealed."""
        return sum(self.uses.get(key_id, {}).values())


class KeyRotations:
    """Starts rotations, tells how they stand, and has the jobs that do them."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        master: MasterKeys,
        keys: ProjectKeys,
        columns: Callable[[], Sequence[SealedColumn]],
        clock: Clock,
        times: KeyTimes | None = None,
    ) -> None:
        self._database = database
        self._engine = engine
        self._master = master
        self._keys = keys
        self._columns = columns
        self._clock = clock
        self._times = times or KeyTimes()

    async def rewrap(self, session: AsyncSession, keyring: Keyring) -> str:
        """Have all that master keys seal sealed with the current one of these; gives the rotation's id."""
        await repository.lock(session)
        for rotation in await repository.unfinished(session, "master"):
            if rotation.target == keyring.current:
                return await self._enqueue(session, rotation)
        return await self._start(session, "master", "sealing", keyring.current)

    async def rotate_data_keys(self, session: AsyncSession) -> str:
        """Have every project given a new data key, and all sealed anew with it; `KeyRotationRunning`."""
        await repository.lock(session)
        for rotation in await repository.unfinished(session, "data"):
            raise KeyRotationRunning(
                f"The data keys are being rotated since {rotation.create_time:%Y-%m-%d %H:%M} UTC.",
                remedy="`conjunct keys status` tells how far it is; start the next one when it is done.",
            )
        return await self._start(session, "data", "making", None)

    async def reseal(self, session: AsyncSession) -> str:
        """Have all that older data keys have sealed sealed with the present ones; gives the rotation's id."""
        await repository.lock(session)
        for rotation in await repository.unfinished(session, "data"):
            return await self._enqueue(session, rotation)
        return await self._start(session, "data", "sealing", None)

    async def find(self, session: AsyncSession, rotation_id: str) -> Rotation | None:
        """How a rotation stands."""
        return await repository.find(session, rotation_id)

    async def uses_of_master(self, session: AsyncSession, key_id: str) -> Mapping[str, int]:
        """How many values of which column a master key has sealed."""
        return (await usage.master_uses(session, self._columns())).get(key_id, {})

    async def status(self, session: AsyncSession) -> KeyStatus:
        """All that there is to tell. It reads every sealed column."""
        columns = self._columns()
        count, projects = await data_keys.count_keys(session)
        return KeyStatus(
            uses=await usage.master_uses(session, columns),
            data_keys=count,
            projects=projects,
            old=await usage.sealed_with_old_keys(session, columns, self._clock.now()),
            rotations=await repository.newest(session, _SHOWN),
        )

    def handlers(self) -> dict[str, Handler]:
        """The jobs' handlers, by kind."""
        return RotationJobs(
            self._database, self._engine, self._master, self._keys, self._columns(), self._clock, self._times
        ).handlers()

    async def _start(self, session: AsyncSession, kind: repository.Kind, phase: str, target: str | None) -> str:
        rotation_id = await repository.add(session, kind, phase, target, self._clock.now())
        await self._engine.enqueue(session, [rotation_job(kind, rotation_id)])
        return rotation_id

    async def _enqueue(self, session: AsyncSession, rotation: Rotation) -> str:
        """Put an unfinished rotation's job in again, where it has none; another of the same does no harm."""
        await self._engine.enqueue(session, [rotation_job(rotation.kind, rotation.id)])
        return rotation.id
