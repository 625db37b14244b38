"""Read records on a schedule, as a backfill or on demand, and hand them to delivery."""

from conjunct.actions.read.ending import Ender
from conjunct.actions.read.endpoints import progress_router, router
from conjunct.actions.read.jobs import ReadJobs
from conjunct.actions.read.reader import Reader
from conjunct.actions.read.runner import Runner
from conjunct.actions.read.schedules import ScheduleKeeper
from conjunct.actions.read.service import ReadService
from conjunct.actions.read.starting import Starter

__all__ = [
    "Ender",
    "ReadJobs",
    "ReadService",
    "Reader",
    "Runner",
    "ScheduleKeeper",
    "Starter",
    "progress_router",
    "router",
]
