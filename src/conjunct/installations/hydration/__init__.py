"""A revision with what the provider tells of its objects: what people choose fields from."""

from conjunct.installations.hydration.endpoints import router
from conjunct.installations.hydration.service import Hydrator

__all__ = ["Hydrator", "router"]
