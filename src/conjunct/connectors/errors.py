"""What can go wrong between us and a provider, grouped by how one recovers from it."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from typing import ClassVar, Literal

from conjunct.connectors.redaction import redacted

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST = 2000

Origin = Literal["provider", "credentials", "caller", "network"]


class ErrorKind(StrEnum):
    """The classes that a definition's error rules may name, and those that only the engine finds."""

    AUTH_INVALID = "auth_invalid"
    AUTH_REVOKED = "auth_revoked"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXHAUSTED = "quota_exhausted"
    RETRYABLE = "retryable"
    SERVER = "server"
    CURSOR_GONE = "cursor_gone"
    FIELD_MISSING = "field_missing"
    OBJECT_MISSING = "object_missing"
    API_DISABLED = "api_disabled"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    MALFORMED = "malformed"
    CURSOR_LOOP = "cursor_loop"
    FOREIGN_URL = "foreign_url"


class ProviderError(Exception):
    """A request to a provider did not give what was asked for.

    `message` is the provider's own words where it has any; `status` its HTTP status, None when there was no answer;
    `code` its error code; `retry_after` seconds to wait, when it says so.

    `retryable`: the same request may succeed later. `hopeless`: it will not until a person changes something (the
    credentials, the configuration, the account). Neither: something else must be done first (a token refreshed, a read
    begun anew).
    """

    kind: ClassVar[ErrorKind]
    retryable: ClassVar[bool] = False
    hopeless: ClassVar[bool] = False
    origin: ClassVar[Origin] = "provider"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.message = plain(message) if message.strip() else "the provider gives no reason"
        super().__init__(self.message)
        self.status = status
        self.code = None if code is None else plain(code)
        self.retry_after = retry_after

    def hide(self, secrets: Collection[str]) -> None:
        """Take secrets out of the provider's words."""
        self.message = redacted(self.message, secrets)
        self.code = None if self.code is None else redacted(self.code, secrets)
        self.args = (self.message,)

    def __str__(self) -> str:
        where = f" (HTTP {self.status})" if self.status is not None else ""
        return f"{self.message}{where}"


class AuthInvalid(ProviderError):
    """The access token or key is not accepted; refreshing it once may help."""

    kind = ErrorKind.AUTH_INVALID
    origin: ClassVar[Origin] = "credentials"


class AuthRevoked(ProviderError):
    """The grant is gone: the customer must connect again."""

    kind = ErrorKind.AUTH_REVOKED
    hopeless = True
    origin: ClassVar[Origin] = "credentials"


class AccessForbidden(ProviderError):
    """The credentials are good, but not for this."""

    kind = ErrorKind.FORBIDDEN
    hopeless = True
    origin: ClassVar[Origin] = "credentials"


class ResourceNotFound(ProviderError):
    """There is nothing at that address."""

    kind = ErrorKind.NOT_FOUND
    hopeless = True
    origin: ClassVar[Origin] = "caller"


class BadRequest(ProviderError):
    """The provider refuses what was asked."""

    kind = ErrorKind.BAD_REQUEST
    hopeless = True
    origin: ClassVar[Origin] = "caller"


class Conflict(ProviderError):
    """What should be made is there already, or something stands against a change."""

    kind = ErrorKind.CONFLICT
    hopeless = True
    origin: ClassVar[Origin] = "caller"


class RateLimited(ProviderError):
    """Too many requests for now."""

    kind = ErrorKind.RATE_LIMITED
    retryable = True


class HeldBack(RateLimited):
    """It was not sent: the provider's limit is used up for now, or the pause that it asked for is not over."""


class QuotaExhausted(ProviderError):
    """A quota of hours or days is used up."""

    kind = ErrorKind.QUOTA_EXHAUSTED
    retryable = True


class TryAgain(ProviderError):
    """The provider says that this passes (a locked row, a migrating account)."""

    kind = ErrorKind.RETRYABLE
    retryable = True


class ServerFailed(ProviderError):
    """The provider failed."""

    kind = ErrorKind.SERVER
    retryable = True


class CursorGone(ProviderError):
    """The page token is no longer accepted: the read must begin anew."""

    kind = ErrorKind.CURSOR_GONE


class FieldMissing(ProviderError):
    """A requested field does not exist (any more)."""

    kind = ErrorKind.FIELD_MISSING
    hopeless = True
    origin: ClassVar[Origin] = "caller"


class ObjectMissing(ProviderError):
    """The object does not exist (any more)."""

    kind = ErrorKind.OBJECT_MISSING
    hopeless = True
    origin: ClassVar[Origin] = "caller"


class ApiDisabled(ProviderError):
    """The account's plan or settings do not allow API access."""

    kind = ErrorKind.API_DISABLED
    hopeless = True
    origin: ClassVar[Origin] = "credentials"


class Unreachable(ProviderError):
    """No answer: name, connection or TLS failed. `sent` says whether the provider may have received the request."""

    kind = ErrorKind.UNREACHABLE
    retryable = True
    origin: ClassVar[Origin] = "network"

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class TimedOut(Unreachable):
    """No answer in time."""

    kind = ErrorKind.TIMEOUT


class MalformedAnswer(ProviderError):
    """An answer that is not what this provider answers: a web page, half a document, another shape."""

    kind = ErrorKind.MALFORMED
    retryable = True


class CursorLoop(ProviderError):
    """The provider leads round in a circle: a page token or a page repeats."""

    kind = ErrorKind.CURSOR_LOOP
    hopeless = True


class ForeignUrl(ProviderError):
    """The provider's next page is on another host; our credentials do not go there."""

    kind = ErrorKind.FOREIGN_URL
    hopeless = True


def plain(text: str) -> str:
    """A text that can be kept, logged and shown: not endless, without control characters (NUL is one)."""
    return _CONTROL.sub("\ufffd", text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


_CLASSES: tuple[type[ProviderError], ...] = (
    AuthInvalid,
    AuthRevoked,
    AccessForbidden,
    ResourceNotFound,
    BadRequest,
    Conflict,
    RateLimited,
    QuotaExhausted,
    TryAgain,
    ServerFailed,
    CursorGone,
    FieldMissing,
    ObjectMissing,
    ApiDisabled,
    Unreachable,
    TimedOut,
    MalformedAnswer,
    CursorLoop,
    ForeignUrl,
)
ERROR_CLASSES: dict[ErrorKind, type[ProviderError]] = {each.kind: each for each in _CLASSES}
