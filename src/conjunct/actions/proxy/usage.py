"""What was passed through, as operations: one for each installation and hour, summed up apart from the requests.

A request costs an addition in memory. The sums of a process are written every few seconds; those of the last seconds
are lost when it dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.actions.proxy.targets import Destination
from conjunct.core.database import Database
from conjunct.installations import InstallationService
from conjunct.kit.clock import Clock
from conjunct.operations import NewOperation, OperationService

WRITTEN_EVERY_SECONDS = 10.0
NO_OBJECT = ""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Sum:
    """The requests of one installation in one hour, through this process."""

    destination: Destination
    requests: int = 0
    refused: int = 0
    unanswered: int = 0
    operation_id: str | None = None
    is_written: bool = False

    @property
    def text(self) -> str:
        words = f"[proxy] {self.requests} requests passed through"
        words += f", {self.refused} answered with an error" if self.refused else ""
        return words + (f", {self.unanswered} without an answer" if self.unanswered else "")

    @property
    def succeeded(self) -> bool:
        return self.requests > self.refused + self.unanswered


class Usage:
    """Counts requests, and keeps operations that tell of them."""

    def __init__(
        self, database: Database, installations: InstallationService, operations: OperationService, clock: Clock
    ) -> None:
        self._database = database
        self._installations = installations
        self._operations = operations
        self._clock = clock
        self._hour = clock.now().replace(minute=0, second=0, microsecond=0)
        self._sums: dict[str, _Sum] = {}

    def note(self, destination: Destination, status: int | None) -> None:
        """Count a request that was answered with this status, or not at all."""
        found = self._sums.get(destination.installation_id)
        if found is None:
            found = self._sums[destination.installation_id] = _Sum(destination)
        found.requests += 1
        found.unanswered += status is None
        found.refused += status is not None and status >= 400
        found.is_written = False

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Write the sums every few seconds, and at the end."""
        writing = asyncio.create_task(self._write_forever())
        try:
            yield
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            await self._write_or_warn()

    async def write(self) -> None:
        """Write the sums that have changed. Those of an hour that is over are not added to any more."""
        for each in [each for each in self._sums.values() if not each.is_written]:
            requests = each.requests
            async with self._database.transaction() as session:
                operation_id = await self._write(session, each)
            if operation_id is None:  # its installation was deleted since
                self._sums.pop(each.destination.installation_id, None)
            each.operation_id, each.is_written = operation_id, each.requests == requests
        hour = self._clock.now().replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour = hour
            self._sums = {key: each for key, each in self._sums.items() if not each.is_written}

    async def _write(self, session: AsyncSession, each: _Sum) -> str | None:
        """Write one sum; the id of its operation, None where its installation is gone."""
        to, operation_id = each.destination, each.operation_id
        if not await self._installations.keep(session, to.project_id, to.installation_id):
            return None
        if operation_id is None:
            operation_id = await self._operations.start(
                session,
                NewOperation(
                    project_id=to.project_id,
                    integration_id=to.integration_id,
                    installation_id=to.installation_id,
                    config_id=to.config_id,
                    action_type="proxy",
                    object_name=NO_OBJECT,
                ),
            )
        await self._operations.finish(
            session,
            to.project_id,
            operation_id,
            status="success" if each.succeeded else "failure",
            result=each.text,
        )
        return operation_id

    async def _write_forever(self) -> None:
        while True:
            await asyncio.sleep(WRITTEN_EVERY_SECONDS)
            await self._write_or_warn()

    async def _write_or_warn(self) -> None:
        try:
            await self.write()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("proxy.usage_not_written", error=type(error).__name__)
