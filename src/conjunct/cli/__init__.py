"""The conjunct command."""
