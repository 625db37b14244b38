"""Create, update and delete a customer's records on demand.

What is asked is checked here in full. The writing itself is still to come: no provider definition says how to.
"""

from conjunct.actions.write.endpoints import router
from conjunct.actions.write.service import WriteService

__all__ = ["WriteService", "router"]
