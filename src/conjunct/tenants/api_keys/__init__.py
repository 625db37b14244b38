"""API keys: make, show, change and delete them."""

from conjunct.tenants.api_keys.endpoints import router
from conjunct.tenants.api_keys.service import ApiKeyService

__all__ = ["ApiKeyService", "router"]
