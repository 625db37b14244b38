"""Each project's data keys, unwrapped once in a while in every process.

A new data key becomes known before it is used: every process reads a project's keys again after `KeyTimes.cache_life`
at the latest, and a key encrypts from its row's `active_at` on, which lies further ahead than that. So no process meets
an envelope whose key it has not read.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.encryption import Keyring, Keys, new_key
from conjunct.kit.clock import Clock, SystemClock
from conjunct.kit.ids import new_id
from conjunct.tenants.models import ProjectKeyRow

CACHE_SIZE = 20_000
"""Projects whose keys a process keeps opened; beyond, those used longest ago are dropped."""


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """When new data keys come into use, and old ones out of it.

    A process goes by what it has read for `cache_life`. A new key encrypts `active_after` it was made: longer than the
    cache's life, the 30 seconds that a delivery channel keeps its keyring, and what clocks may differ by. What the
    former key sealed is sealed anew from `settled_after` that moment on, and the former key, where it opens nothing
    any more, is deleted `kept` after it.
    """

    cache_life: timedelta = timedelta(seconds=30)
    active_after: timedelta = timedelta(minutes=2)
    settled_after: timedelta = timedelta(minutes=1)
    kept: timedelta = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class _Opened:
    keyring: Keyring = field(repr=False)
    read_at: datetime


class ProjectKeys:
    """Opens a project's keyring; what is sealed with one project's keys does not open with another's.

    Keep a keyring for a task, not longer: it is as it was when it was asked for.
    """

    def __init__(self, master: Keys, clock: Clock | None = None, times: KeyTimes | None = None) -> None:
        self._master = master
        self._clock = clock or SystemClock()
        self._life = (times or KeyTimes()).cache_life
        self._opened: OrderedDict[str, _Opened] = OrderedDict()

    async def keyring(self, session: AsyncSession, project_id: str) -> Keyring:
        """The keyring of a project: its newest active key encrypts, all of them decrypt.

        It costs a query once per cache life, and one after an envelope has named a key that was not there.
        """
        opened = self._opened.get(project_id)
        now = self._clock.now()
        if opened is None or not opened.read_at <= now < opened.read_at + self._life:
            opened = self._opened[project_id] = _Opened(await self._read(session, project_id, now), now)
            while len(self._opened) > CACHE_SIZE:
                self._opened.popitem(last=False)
        self._opened.move_to_end(project_id)
        return opened.keyring

    def make(
        self,
        session: AsyncSession,
        project_id: str,
        *,
        active_at: datetime | None = None,
        rotation_id: str | None = None,
    ) -> str:
        """Give a project a key that encrypts from `active_at` on, at once without it; its id."""
        key_id, now = new_id(), self._clock.now()
        wrapped = self._master.encrypt(new_key(), wrapped_place(key_id))
        session.add(
            ProjectKeyRow(
                id=key_id,
                project_id=project_id,
                wrapped=wrapped,
                create_time=now,
                active_at=active_at or now,
                rotation_id=rotation_id,
            )
        )
        return key_id

    async def _read(self, session: AsyncSession, project_id: str, now: datetime) -> Keyring:
        rows = await session.execute(
            select(ProjectKeyRow.id, ProjectKeyRow.wrapped, ProjectKeyRow.active_at)
            .where(ProjectKeyRow.project_id == project_id)
            .order_by(ProjectKeyRow.active_at, ProjectKeyRow.id)
        )
        keys: dict[str, bytes] = {}
        current = ""
        for key_id, wrapped, active_at in rows:
            keys[key_id] = self._master.decrypt(wrapped, wrapped_place(key_id))
            if not current or active_at <= now:  # the first one encrypts even for a clock that is behind
                current = key_id
        return Keyring(keys, current=current, on_unknown=lambda: self._opened.pop(project_id, None))


def wrapped_place(key_id: str) -> str:
    """What a project's wrapped key is sealed for."""
    return f"project_key:{key_id}:wrapped"
