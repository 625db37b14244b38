"""The only way out: every HTTP request that Conjunct makes, guarded, bounded and counted."""

from .addresses import AddressRefused, EgressPolicy
from .client import Egress, EgressResponse
from .errors import EgressError, Reason

__all__ = ["Egress", "EgressResponse", "EgressPolicy", "EgressError", "Reason", "AddressRefused"]
