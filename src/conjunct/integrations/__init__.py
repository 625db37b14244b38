"""Deployed manifest revisions and uploads."""
