"""Refusals of the write action."""

from __future__ import annotations

from conjunct.core.problems import InvalidRequest


class WriteNotAllowed(InvalidRequest):
    """The integration does not write the object, or the installation's config does not let its records be deleted."""

    slug = "write-not-allowed"
    title = "This installation does not write that"
