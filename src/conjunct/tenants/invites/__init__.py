"""Invites: an owner's word that whoever has an email address may join the org."""

from conjunct.tenants.invites.endpoints import router
from conjunct.tenants.invites.service import InviteService

__all__ = ["InviteService", "router"]
