"""Refusals of the read action."""

from __future__ import annotations

from conjunct.core.problems import InvalidRequest, NotFound


class ObjectNotRead(InvalidRequest):
    """The installation does not read this object."""

    slug = "object-not-read"
    title = "The installation does not read this object"


class ObjectReadDisabled(InvalidRequest):
    """The installation's config switches reads of this object off."""

    slug = "object-read-disabled"
    title = "Reads of this object are switched off"


class ObjectNotOnRequest(InvalidRequest):
    """The pages of this object are delivered as they are read."""

    slug = "object-not-on-request"
    title = "The pages of this object need not be asked for"


class BackfillNotFound(NotFound):
    """The object has had no backfill."""

    slug = "backfill-not-found"
    title = "There was no backfill"
