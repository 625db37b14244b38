"""Salesforce's refusals, in its words and shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from conjunct.simulators.contract import Answer

_OF_STATUS = {
    400: ("MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    405: ("METHOD_NOT_ALLOWED", "HTTP Method not allowed"),
    409: ("ENTITY_IS_LOCKED", "The record is locked"),
    414: ("URI_TOO_LONG", "The URI is too long"),
    429: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    503: ("SERVER_UNAVAILABLE", "Server temporarily unavailable"),
}
_WORDS = {
    "UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record or 1 records",
    "INVALID_QUERY_LOCATOR": "invalid query locator",
    "INVALID_SESSION_ID": "Session expired or invalid",
    "REQUEST_LIMIT_EXCEEDED": "TotalRequests Limit exceeded.",
    "INSUFFICIENT_ACCESS": "insufficient access rights on cross-reference id",
    "API_DISABLED_FOR_ORG": "The REST API is not enabled for this Organization.",
    "SERVER_UNAVAILABLE": "Server temporarily unavailable",
}


class SalesforceError(Exception):
    """A refusal. `fields` are those that it is about; None leaves the member out of the answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Sequence[str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.headers = headers or {}

    def to_wire(self) -> dict[str, Any]:
        """The refusal as an item of the list that is an error's body."""
        wire: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            wire["fields"] = list(self.fields)
        return wire

    def to_result(self) -> dict[str, Any]:
        """The refusal as an item of `errors` of one record's result, where the code has another name."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}

    def answer(self) -> Answer:
        """The refusal as an HTTP answer."""
        return Answer(self.status, orjson.dumps([self.to_wire()]), self.headers)


def of_status(status: int) -> SalesforceError:
    """An error of this status for no particular reason."""
    code, message = _OF_STATUS.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
    return SalesforceError(status, code, message, headers={"Retry-After": "1"} if status == 429 else None)


def of_code(status: int, code: str) -> SalesforceError:
    """An error of this code for no particular reason."""
    return SalesforceError(status, code, _WORDS.get(code, code.replace("_", " ").lower()))


def session_invalid() -> SalesforceError:
    """No access token, or one that is good no longer."""
    return SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def limit_exceeded() -> SalesforceError:
    """Too many requests."""
    return SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def not_found(message: str = "The requested resource does not exist") -> SalesforceError:
    """There is no such record or resource."""
    return SalesforceError(404, "NOT_FOUND", message)


def not_allowed() -> SalesforceError:
    """The resource does not know the method."""
    return SalesforceError(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed for this resource")


def no_external_id(value: str) -> SalesforceError:
    """What stands for an id is none, and names no external id either."""
    return not_found(f"Provided external ID field does not exist or is not accessible: {value}")


def deleted() -> SalesforceError:
    """The record is in the recycle bin."""
    return SalesforceError(404, "ENTITY_IS_DELETED", "entity is deleted", [])


def json_fault(message: str) -> SalesforceError:
    """The body is not what it should be."""
    return SalesforceError(400, "JSON_PARSER_ERROR", message)


def wrong_type(kind: str, value: Any) -> SalesforceError:
    """A value in a JSON body has another type than its field."""
    named = {bool: "VALUE_TRUE" if value is True else "VALUE_FALSE", int: "VALUE_NUMBER_INT", str: "VALUE_STRING"}
    token = {float: "VALUE_NUMBER_FLOAT", dict: "START_OBJECT", list: "START_ARRAY"} | named
    shown = f" value {value}" if isinstance(value, str | int | float) else ""
    return json_fault(
        f"Cannot deserialize instance of {kind} from {token.get(type(value), 'VALUE_NULL')}{shown} or request may be "
        "missing a required field at [line:1, column:1]"
    )


def unsupported(object_name: str, status: int = 404) -> SalesforceError:
    """There is no such object, asked for by a path (404) or in a body (400)."""
    if status == 404:
        return not_found()
    return SalesforceError(400, "INVALID_TYPE", f"sObject type '{object_name}' is not supported.")


def no_such_column(name: str, object_name: str) -> SalesforceError:
    """A record to write has a field that its object has not."""
    return SalesforceError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {object_name}")


def invalid(code: str, message: str, *fields: str) -> SalesforceError:
    """A record cannot be written as it is."""
    return SalesforceError(400, code, message, fields)


def malformed_id(label: str, value: object, field: str) -> SalesforceError:
    """A reference that is no id of the right object."""
    return invalid("MALFORMED_ID", f"{label}: id value of incorrect type: {value}", field)


def duplicate(field: str, record_id: str) -> SalesforceError:
    """Another record has the value of a unique field."""
    return invalid("DUPLICATE_VALUE", f"duplicate value found: {field} duplicates value on record with id: {record_id}")
