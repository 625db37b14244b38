"""The conjunct command."""

from conjunct.cli.main import main

__all__ = ["main"]
