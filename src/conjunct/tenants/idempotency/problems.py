"""Problems of idempotency keys."""

from __future__ import annotations

from conjunct.core.problems import Conflict, Unprocessable


class IdempotencyKeyReused(Unprocessable):
    """The key was sent before, with another request."""

    slug = "idempotency-key-reused"
    title = "This Idempotency-Key belongs to another request"


class RequestInProgress(Conflict):
    """A request with this key is being handled right now."""

    slug = "request-in-progress"
    title = "The same request is being handled"
