"""JWT keys: the public keys of builders who sign tokens for their customers."""

from conjunct.tenants.jwt_keys.endpoints import router
from conjunct.tenants.jwt_keys.service import JwtKeyService

__all__ = ["JwtKeyService", "router"]
