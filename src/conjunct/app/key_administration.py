"""What the operator does with keys: rotations started on the database itself, and how they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from conjunct.app.tables import load_sealed_columns
from conjunct.core.database import Database
from conjunct.core.master_keys import MasterKeys
from conjunct.kit.clock import SystemClock
from conjunct.queue import PostgresEngine, last_heartbeat
from conjunct.tenants import ProjectKeys
from conjunct.tenants.builders import BuilderService
from conjunct.tenants.key_rotation import KeyRotations, KeyStatus, Rotation
from conjunct.tenants.projects import ProjectService

WORKER_SILENCE = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one rotation stands, and whether a worker lives that could go on with it."""

    rotation: Rotation
    worker: bool


class KeyAdministration:
    """The operator's hand on the keys of one database, each call a transaction of its own."""

    def __init__(self, database: Database, master: MasterKeys) -> None:
        clock = SystemClock()
        keys = ProjectKeys(master, clock)
        self._database = database
        self._master = master
        self._projects = ProjectService(keys, BuilderService())
        self._rotations = KeyRotations(
            database=database,
            engine=PostgresEngine(database),
            master=master,
            keys=keys,
            columns=load_sealed_columns,
            clock=clock,
        )

    async def check_master_key(self) -> None:
        """Raise `DecryptionFailed` where the master keys are not those of this database."""
        async with self._database.transaction() as session:
            await self._projects.check_master_key(session)

    async def rewrap(self) -> str:
        """Have all that master keys seal sealed with the current one; gives the rotation's id."""
        async with self._database.transaction() as session:
            return await self._rotations.rewrap(session, self._master.keyring)

    async def rotate_data_keys(self) -> str:
        """Start a rotation of all data keys; gives its id. Raises `KeyRotationRunning`."""
        async with self._database.transaction() as session:
            return await self._rotations.rotate_data_keys(session)

    async def reseal(self) -> str:
        """Have all that older data keys have sealed sealed with the present ones; gives the rotation's id."""
        async with self._database.transaction() as session:
            return await self._rotations.reseal(session)

    async def standing(self, rotation_id: str) -> Standing | None:
        """How a rotation stands."""
        async with self._database.transaction() as session:
            rotation = await self._rotations.find(session, rotation_id)
            seen = await last_heartbeat(session)
        alive = seen is not None and datetime.now(UTC) - seen < WORKER_SILENCE
        return None if rotation is None else Standing(rotation, alive)

    async def uses_of_master(self, key_id: str) -> Mapping[str, int]:
        """How many values of which column a master key has sealed."""
        async with self._database.transaction() as session:
            return await self._rotations.uses_of_master(session, key_id)

    async def status(self) -> KeyStatus:
        """All that there is to tell about keys."""
        async with self._database.transaction() as session:
            return await self._rotations.status(session)
