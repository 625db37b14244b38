"""Refusals of the search action."""

from __future__ import annotations

from conjunct.core.problems import InvalidRequest


class ObjectNotSearchable(InvalidRequest):
    """The integration does not read this object, or the installation's config switches it off."""

    slug = "object-not-searchable"
    title = "This object cannot be searched here"
