"""Connecting by OAuth in the browser: where customers are sent, and what happens when they come back."""

from conjunct.connections.oauth.endpoints import Flows, router
from conjunct.connections.oauth.links import LinkUse, SetOut
from conjunct.connections.oauth.service import CALLBACK_PATH, Comeback, OAuthFlows

__all__ = ["CALLBACK_PATH", "Comeback", "Flows", "LinkUse", "OAuthFlows", "SetOut", "router"]
