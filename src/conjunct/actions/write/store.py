"""Keeps asynchronous writes until they end: what is asked and what is known of it, encrypted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.write.repository import WriteRepository
from conjunct.actions.write.results import Results, Sending
from conjunct.actions.write.schemas import WriteRequest
from conjunct.kit.ids import new_id
from conjunct.tenants import ProjectKeys


@dataclass(frozen=True, slots=True)
class Kept:
    """An asynchronous write as it is kept. `sending` are records that were on their way when it was last seen."""

    operation_id: str
    project_id: str
    installation_id: str
    object_name: str
    asked_name: str
    deadline: datetime
    tries: int
    request: WriteRequest
    results: Results
    sending: Sending


class WriteStore:
    """Seals and opens what waits to be written."""

    def __init__(self, keys: ProjectKeys) -> None:
        self._keys = keys

    async def add_part(
        self, session: AsyncSession, project_id: str, operation_id: str, place: int, content: bytes
    ) -> None:
        """Keep a request (its JSON) whose first record has that place in the write."""
        part_id = new_id()
        sealed = (await self._keys.keyring(session, project_id)).encrypt(content, request_place(part_id))
        await WriteRepository(session).add_part(
            id=part_id, operation_id=operation_id, project_id=project_id, place=place, sealed_request=sealed
        )

    async def load(self, session: AsyncSession, project_id: str, operation_id: str) -> Kept | None:
        """A write that was accepted and has not ended, locked; None when there is none."""
        repository = WriteRepository(session)
        row = await repository.run(project_id, operation_id)
        if row is None or row.state != "accepted":
            return None
        keyring = await self._keys.keyring(session, project_id)
        parts = [
            WriteRequest.model_validate_json(keyring.decrypt(part.sealed_request, request_place(part.id)))
            for part in await repository.parts(project_id, operation_id)
        ]
        results = Results.untried(row.records)
        if row.sealed_results is not None:
            results = Results.from_bytes(keyring.decrypt(row.sealed_results, results_place(operation_id)))
        return Kept(
            operation_id=row.operation_id,
            project_id=row.project_id,
            installation_id=row.installation_id,
            object_name=row.object_name,
            asked_name=row.asked_name,
            deadline=row.deadline,
            tries=row.tries,
            request=together(parts),
            results=results,
            sending=[(place, repeatable) for place, repeatable in row.sending or ()],
        )

    async def note_sending(self, session: AsyncSession, kept: Kept, sending: Sending) -> None:
        """Note what is about to be sent. To be committed first."""
        pairs = [list(each) for each in sending]
        await WriteRepository(session).change(kept.project_id, kept.operation_id, sending=pairs)

    async def note_results(self, session: AsyncSession, kept: Kept, results: Results, **more: Any) -> None:
        """Note what is known now; nothing is on its way any more."""
        keyring = await self._keys.keyring(session, kept.project_id)
        sealed = keyring.encrypt(results.to_bytes(), results_place(kept.operation_id))
        await WriteRepository(session).change(
            kept.project_id, kept.operation_id, sending=None, sealed_results=sealed, **more
        )


def together(parts: list[WriteRequest]) -> WriteRequest:
    """One request for all records of several that differ in nothing else; a single one as it is."""
    first, *others = parts
    if not others and first.auto_batch_policy is None:
        return first
    entries = [entry for part in parts for entry in part.entries]
    return first.model_copy(update={"record": None, "associations": None, "idempotency_key": None, "batch": entries})


def request_place(part_id: str) -> str:
    """What a request is sealed for."""
    return f"write_part:{part_id}:sealed_request"


def results_place(operation_id: str) -> str:
    """What the results of a write are sealed for."""
    return f"write_run:{operation_id}:sealed_results"
