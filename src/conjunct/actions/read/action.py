"""The read action as a whole: its parts, wired together over the slices below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from conjunct.actions.read.ending import Ender
from conjunct.actions.read.jobs import ReadJobs
from conjunct.actions.read.notices import ReadNotices
from conjunct.actions.read.overview import ReadOverview
from conjunct.actions.read.reader import Reader
from conjunct.actions.read.runner import Runner
from conjunct.actions.read.schedules import ScheduleKeeper
from conjunct.actions.read.service import ReadService
from conjunct.actions.read.starting import Starter
from conjunct.connections import ConnectionService
from conjunct.core.database import Database
from conjunct.delivery import DeliveryService
from conjunct.installations import InstallationService
from conjunct.kit.clock import Clock
from conjunct.notifications import NotificationService
from conjunct.operations import OperationService
from conjunct.queue import Engine


@dataclass(frozen=True, slots=True)
class ReadAction:
    """What builders ask of it, the jobs that do it, and what follows installations for it."""

    service: ReadService
    jobs: ReadJobs
    follower: ScheduleKeeper
    overview: ReadOverview

    @classmethod
    def over(
        cls,
        *,
        database: Database,
        engine: Engine,
        installations: InstallationService,
        connections: ConnectionService,
        operations: OperationService,
        delivery: DeliveryService,
        notifications: NotificationService,
        clock: Clock,
    ) -> Self:
        """The read action over these services."""
        starter = Starter(operations, engine, clock)
        follower = ScheduleKeeper(engine, starter, delivery, clock)
        notices = ReadNotices(installations, notifications)
        ender = Ender(
            database=database,
            engine=engine,
            installations=installations,
            connections=connections,
            operations=operations,
            notices=notices,
            clock=clock,
        )
        reader = Reader(
            database=database,
            engine=engine,
            installations=installations,
            operations=operations,
            delivery=delivery,
            ender=ender,
            clock=clock,
        )
        runner = Runner(
            database=database,
            installations=installations,
            connections=connections,
            delivery=delivery,
            reader=reader,
            ender=ender,
            clock=clock,
        )
        jobs = ReadJobs(
            database=database,
            engine=engine,
            installations=installations,
            connections=connections,
            starter=starter,
            runner=runner,
        )
        return cls(
            ReadService(installations, delivery, starter, follower, notices),
            jobs,
            follower,
            ReadOverview(engine, delivery, operations),
        )
