"""Refusals of the write action."""

from __future__ import annotations

from conjunct.core.problems import InvalidRequest, TooManyRequests


class WriteNotAllowed(InvalidRequest):
    """The integration does not write the object, or the installation's config does not let its records be deleted."""

    slug = "write-not-allowed"
    title = "This installation does not write that"


class TooManyPendingWrites(TooManyRequests):
    """As much of the project waits to be written as may."""

    slug = "too-many-pending-writes"
    title = "Too much waits to be written"
