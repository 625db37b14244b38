"""Background jobs on Postgres: enqueue, claim, lease, retry, schedules.

Jobs and schedules are put in on the caller's transaction. Workers, on any number of hosts, run them at least once;
of one lane one at a time, of one tenant a bounded number, every tenant in turn. See `jobs` for the words, `engine`
for what one can ask for, `models` for the states, `lanes` and `settlement` for why it is safe.
"""

from conjunct.queue.cron import BadSchedule
from conjunct.queue.engine import Engine, PostgresEngine, Stats
from conjunct.queue.jobs import Dead, Done, Handler, Job, LeaseLost, NewJob, Outcome, Retry, Yield
from conjunct.queue.schedules import Schedule
from conjunct.queue.upkeep import last_heartbeat
from conjunct.queue.worker import Options

__all__ = [
    "NewJob",
    "Job",
    "Handler",
    "Outcome",
    "Done",
    "Retry",
    "Dead",
    "Yield",
    "LeaseLost",
    "Schedule",
    "BadSchedule",
    "Engine",
    "PostgresEngine",
    "Options",
    "Stats",
    "last_heartbeat",
]
