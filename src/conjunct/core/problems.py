"""Problems: every refusal of Conjunct, in the shape of RFC 9457 with the extensions of the API specification.

Domain code raises a `Problem` (or one of the common kinds below, or its slice's own subclass); one handler renders it
as `application/problem+json`, and the command line prints the same words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

TYPE_BASE = "https://conjunct.dev/problems/"

Location = Literal["body", "header", "path", "query"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault of an input: where it is, what is wrong with it, and what would be right.

    `location` becomes the wire's `in`; `name` is a dotted path such as `integrations.0.read.objects.1.schedule`.
    `line` and `column` count from 1 and are set where the input is a text that people edit.
    """

    name: str
    detail: str
    location: Location = "body"
    value: Any = None
    remedy: str | None = None
    line: int | None = None
    column: int | None = None

    def to_wire(self) -> dict[str, Any]:
        """The issue as the specification's `InputValidationIssue`."""
        wire: dict[str, Any] = {"in": self.location, "name": self.name, "detail": self.detail}
        if self.value is not None:
            wire["value"] = self.value
        if self.remedy is not None:
            wire["remedy"] = self.remedy
        if self.line is not None:
            wire["context"] = {"line": self.line, "column": self.column}
        return wire


class Problem(Exception):
    """A refusal that says what happened, where, and how to mend it.

    Subclasses set `status`, `slug` (the last part of the type URI) and `title`; an occurrence gives `detail` and,
    where it helps, `remedy`, `issues`, `retryable`, `retry_after`, `causes` and `context`.
    """

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(
        self,
        detail: str,
        *,
        remedy: str | None = None,
        issues: tuple[Issue, ...] | list[Issue] = (),
        retryable: bool = False,
        retry_after: datetime | None = None,
        causes: tuple[str, ...] = (),
        context: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.issues = tuple(issues)
        self.retryable = retryable
        self.retry_after = retry_after
        self.causes = causes
        self.context = context

    @property
    def type(self) -> str:
        """The absolute URI that names this kind of problem."""
        return TYPE_BASE + self.slug

    def to_wire(self) -> dict[str, Any]:
        """The body of the answer, without what only the request knows (`requestId`, `instance`, `time`)."""
        wire: dict[str, Any] = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "retryable": self.retryable,
        }
        if self.remedy:
            wire["remedy"] = self.remedy
        if self.retry_after:
            wire["retryAfter"] = self.retry_after.isoformat().replace("+00:00", "Z")
        if self.causes:
            wire["causes"] = list(self.causes)
        if self.context:
            wire["context"] = self.context
        if self.issues:
            wire["issues"] = [issue.to_wire() for issue in self.issues]
        return wire


class InvalidRequest(Problem):
    """The request cannot be understood: a wrong type, a missing part, a value out of range."""

    status = 400
    slug = "invalid-request"
    title = "The request is not valid"


class Unauthorized(Problem):
    """No credential, or one that is not good."""

    status = 401
    slug = "unauthorized"
    title = "A valid credential is needed"


class Forbidden(Problem):
    """The credential is good, but not for this."""

    status = 403
    slug = "forbidden"
    title = "This credential may not do that"


class NotFound(Problem):
    """There is no such thing here, or none that the caller may see."""

    status = 404
    slug = "not-found"
    title = "Not found"


class Conflict(Problem):
    """The request is good, but something that exists stands against it."""

    status = 409
    slug = "conflict"
    title = "It conflicts with what is there"


class TooLarge(Problem):
    """The request's body is larger than allowed."""

    status = 413
    slug = "too-large"
    title = "The request is too large"


class Unprocessable(Problem):
    """The request is understood, but what it asks for is not valid."""

    status = 422
    slug = "unprocessable"
    title = "The content is not valid"


class TooManyRequests(Problem):
    """A limit is reached; later it will do."""

    status = 429
    slug = "too-many-requests"
    title = "Too many requests"


class Unavailable(Problem):
    """Something that we need does not answer now."""

    status = 503
    slug = "unavailable"
    title = "Not available right now"
