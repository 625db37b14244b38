"""Request bodies and parameters, read with Salesforce's refusals, and answers written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from conjunct.simulators.contract import Answer, Call
from conjunct.simulators.salesforce import errors
from conjunct.simulators.salesforce.errors import SalesforceError

MAX_COLLECTION = 200


def base(call: Call) -> str:
    """The path before the resources of the API, such as `/services/data/v60.0`."""
    return f"/services/data/{call.params['version']}"


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises `SalesforceError`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise errors.json_fault(f"{fault.msg} at [line:{fault.lineno}, column:{fault.colno}]") from fault
    if not isinstance(value, dict):
        raise errors.json_fault("Unexpected token at [line:1, column:1]: an object was expected")
    return value


def read_objects(body: Mapping[str, Any], name: str, limit: int = MAX_COLLECTION) -> list[dict[str, Any]]:
    """A list of objects in a body. Raises `SalesforceError`, also for more than `limit`."""
    items = body.get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise errors.json_fault(f"The value of '{name}' must be a list of objects")
    check_count(items, limit)
    return items


def check_count(items: Sequence[object], limit: int = MAX_COLLECTION) -> None:
    """Raises `SalesforceError` for more than `limit` items."""
    if len(items) > limit:
        message = f"record limit reached. cannot submit more than {limit} records in a single request"
        raise SalesforceError(400, "EXCEEDED_ID_LIMIT", message)


def flag(value: Any, *, default: bool = False) -> bool:
    """A value that is true or false, in JSON or as a text. Raises `SalesforceError`."""
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise errors.wrong_type("boolean", value)


def words(text: str | None) -> list[str]:
    """The words of a list with commas."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def text_in(body: Mapping[str, Any], name: str) -> str:
    """A text in a body that must be there. Raises `SalesforceError`."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise SalesforceError(400, "INVALID_INPUT", f"The value of '{name}' must be a text")
    return value


def json_answer(value: Any, status: int = 200, records: int = 0) -> Answer:
    """`value` as a JSON answer."""
    return Answer(status, orjson.dumps(value), records=records)
