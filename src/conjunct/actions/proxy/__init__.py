"""Pass requests of the builder's own through to a provider, with the customer's credentials."""

from conjunct.actions.proxy.app import Proxy
from conjunct.actions.proxy.targets import Destinations
from conjunct.actions.proxy.usage import Usage

__all__ = ["Destinations", "Proxy", "Usage"]
