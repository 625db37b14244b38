"""Read records on a schedule, as a backfill or on demand, and hand them to delivery."""

from conjunct.actions.read.action import ReadAction
from conjunct.actions.read.endpoints import progress_router, router
from conjunct.actions.read.jobs import ReadJobs
from conjunct.actions.read.overview import ReadOverview
from conjunct.actions.read.service import ReadService

__all__ = ["ReadAction", "ReadJobs", "ReadOverview", "ReadService", "progress_router", "router"]
