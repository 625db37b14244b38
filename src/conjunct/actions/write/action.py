"""The write action as a whole: its parts, wired together over the slices below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from conjunct.actions.write.accepting import Acceptor
from conjunct.actions.write.ending import Ender
from conjunct.actions.write.jobs import WriteJobs
from conjunct.actions.write.notices import WriteNotices
from conjunct.actions.write.runner import Runner
from conjunct.actions.write.service import WriteService
from conjunct.actions.write.store import WriteStore
from conjunct.connections import ConnectionService
from conjunct.core.database import Database
from conjunct.installations import InstallationService
from conjunct.kit.clock import Clock
from conjunct.notifications import NotificationService
from conjunct.operations import OperationService
from conjunct.queue import Engine
from conjunct.tenants import ProjectKeys


@dataclass(frozen=True, slots=True)
class WriteAction:
    """What builders ask of it, and the jobs that do it."""

    service: WriteService
    jobs: WriteJobs

    @classmethod
    def over(
        cls,
        *,
        database: Database,
        engine: Engine,
        keys: ProjectKeys,
        installations: InstallationService,
        connections: ConnectionService,
        operations: OperationService,
        notifications: NotificationService,
        clock: Clock,
        pending_limit_bytes: int,
    ) -> Self:
        """The write action over these services."""
        store = WriteStore(keys)
        acceptor = Acceptor(engine, operations, store, clock, pending_limit_bytes)
        ender = Ender(
            database=database,
            engine=engine,
            installations=installations,
            operations=operations,
            notices=WriteNotices(installations, notifications),
            clock=clock,
        )
        runner = Runner(
            database=database,
            engine=engine,
            installations=installations,
            connections=connections,
            store=store,
            ender=ender,
            clock=clock,
        )
        jobs = WriteJobs(
            database=database,
            engine=engine,
            installations=installations,
            operations=operations,
            acceptor=acceptor,
            store=store,
            runner=runner,
            ender=ender,
            clock=clock,
        )
        service = WriteService(database, installations, connections, operations, acceptor, clock)
        return cls(service, jobs)
