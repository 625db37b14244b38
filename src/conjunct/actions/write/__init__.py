"""Create, update and delete a customer's records on demand.

A synchronous write is done within its request. An asynchronous one is accepted, kept encrypted, and done by a job:
again and again until its deadline, but never twice where twice would not come to once.
"""

from conjunct.actions.write import jobs
from conjunct.actions.write.action import WriteAction
from conjunct.actions.write.endpoints import router
from conjunct.actions.write.service import WriteService

__all__ = ["WriteAction", "WriteService", "jobs", "router"]
