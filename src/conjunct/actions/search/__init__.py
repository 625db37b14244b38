"""Find a customer's records by equal values, at once."""

from conjunct.actions.search.endpoints import router
from conjunct.actions.search.service import SearchService

__all__ = ["SearchService", "router"]
