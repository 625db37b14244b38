"""What a builder can do about a failed read, by the class of the provider's error."""

from __future__ import annotations

from conjunct.connectors import ErrorKind

_CONNECT = "Have the customer connect again."
_SLOWER = "Have the provider raise its limit, or read fewer objects of this connection, or less often."
_REPORT = "If it comes again, report it with this log: the provider's definition may not fit any more."
_STATUS = "If it comes again, look at the provider's status page."

_REMEDIES = {
    ErrorKind.AUTH_INVALID: _CONNECT,
    ErrorKind.AUTH_REVOKED: _CONNECT,
    ErrorKind.FORBIDDEN: "Have the customer's user given access to the object, or leave it out of the config.",
    ErrorKind.NOT_FOUND: "Look whether the object is still there at the provider, and what it is called.",
    ErrorKind.BAD_REQUEST: "Change the object's fields or filters as the provider's words ask for.",
    ErrorKind.FIELD_MISSING: "Leave the field out of the config, map another one, or have it made at the provider.",
    ErrorKind.OBJECT_MISSING: "Leave the object out of the config, or have it made at the provider.",
    ErrorKind.API_DISABLED: "Have the customer's plan or settings at the provider allow access over the API.",
    ErrorKind.RATE_LIMITED: _SLOWER,
    ErrorKind.QUOTA_EXHAUSTED: _SLOWER,
    ErrorKind.CURSOR_GONE: "Read smaller windows, by triggered reads: the provider forgets its pages meanwhile.",
    ErrorKind.CURSOR_LOOP: f"Read a smaller window, by a triggered read. {_REPORT}",
    ErrorKind.FOREIGN_URL: "The provider's definition must name that host, or credentials do not go there.",
    ErrorKind.MALFORMED: _REPORT,
}


def remedy(kind: ErrorKind) -> str:
    """What to do about errors of this class."""
    return _REMEDIES.get(kind, _STATUS)
