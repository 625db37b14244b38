"""Orgs, and who belongs to them."""

from conjunct.tenants.orgs.billing import router as billing_router
from conjunct.tenants.orgs.endpoints import router
from conjunct.tenants.orgs.repository import OrgSummary
from conjunct.tenants.orgs.service import OrgService

__all__ = ["OrgService", "OrgSummary", "billing_router", "router"]
