"""Connecting in several steps: redirects to the provider and requests to it, until there is a connection."""

from conjunct.connections.custom_auth.endpoints import CustomAuth, router
from conjunct.connections.custom_auth.service import CALLBACK_PATH, CustomAuthFlows
from conjunct.connections.custom_auth.state import Connected, SentOn, Waiting

__all__ = ["CALLBACK_PATH", "Connected", "CustomAuth", "CustomAuthFlows", "SentOn", "Waiting", "router"]
