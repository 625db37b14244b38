"""Identifiers: UUIDv7 as text, so that they sort by the time they were made."""

from __future__ import annotations

import uuid_utils


def new_id() -> str:
    """A new UUIDv7 in its canonical text form, such as `0192f0c1-…`."""
    return str(uuid_utils.uuid7())
