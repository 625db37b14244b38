"""Claimed domains: whoever has an address at one may join the org that claimed it."""

from conjunct.tenants.claimed_domains.endpoints import router
from conjunct.tenants.claimed_domains.service import ClaimedDomainService

__all__ = ["ClaimedDomainService", "router"]
