"""Revocation: the provider is told that a grant is over when its connection is deleted."""

from conjunct.connections.revocation.jobs import REVOKE, Revoker
from conjunct.connections.revocation.service import Revocations, is_revocable

__all__ = ["REVOKE", "Revocations", "Revoker", "is_revocable"]
