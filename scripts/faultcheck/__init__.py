"""Checks that break things on purpose, at full size. They need this machine alone, and stay on it."""
