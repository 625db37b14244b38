"""Create, update and delete a customer's records on demand.

What is asked is checked here in full, and done at once; what is to be done later is still refused.
"""

from conjunct.actions.write.endpoints import router
from conjunct.actions.write.service import WriteService

__all__ = ["WriteService", "router"]
