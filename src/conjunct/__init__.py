"""Conjunct: native product integrations, self-hosted."""

__version__ = "0.1.0"
