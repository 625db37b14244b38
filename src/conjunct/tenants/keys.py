"""Each project's data keys, unwrapped once a process."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.encryption import Keyring, new_key
from conjunct.kit.ids import new_id
from conjunct.tenants.models import ProjectKeyRow


class ProjectKeys:
    """Opens a project's keyring; what is sealed with one project's keys does not open with another's."""

    def __init__(self, master: Keyring) -> None:
        self._master = master
        self._opened: dict[str, Keyring] = {}

    async def keyring(self, session: AsyncSession, project_id: str) -> Keyring:
        """The keyring of a project: its newest key encrypts, all of them decrypt."""
        opened = self._opened.get(project_id)
        if opened is None:
            rows = await session.execute(
                select(ProjectKeyRow.id, ProjectKeyRow.wrapped)
                .where(ProjectKeyRow.project_id == project_id)
                .order_by(ProjectKeyRow.id)
            )
            keys = {key_id: self._master.decrypt(wrapped, _place(key_id)) for key_id, wrapped in rows}
            opened = self._opened[project_id] = Keyring(keys, current=max(keys))
        return opened

    def make(self, session: AsyncSession, project_id: str) -> Keyring:
        """Give a new project its first key."""
        key_id, key = new_id(), new_key()
        wrapped = self._master.encrypt(key, _place(key_id))
        session.add(ProjectKeyRow(id=key_id, project_id=project_id, wrapped=wrapped))
        return Keyring({key_id: key}, current=key_id)


def _place(key_id: str) -> str:
    return f"project_key:{key_id}:wrapped"
