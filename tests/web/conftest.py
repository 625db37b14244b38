"""The flows whose end is a page."""

from __future__ import annotations

from tests.connections.conftest import egress, keys
from tests.connections.custom_auth.conftest import provider, steps
from tests.connections.flows import flow, server

__all__ = ["egress", "flow", "keys", "provider", "server", "steps"]
