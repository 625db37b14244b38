"""Request bodies: JSON read with HubSpot's refusals, and answers written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from conjunct.simulators.contract import Answer, all_values
from conjunct.simulators.hubspot import errors, moments


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises `HubSpotError`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise errors.invalid(f"Invalid input JSON on line {fault.lineno}, column {fault.colno}: {fault.msg}") from fault
    if not isinstance(value, dict):
        raise errors.invalid("Invalid input JSON on line 1, column 1: Cannot deserialize value of type `Object`")
    return value


def read_list(body: bytes) -> list[Any]:
    """The JSON array in `body`. Raises `HubSpotError`."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise errors.invalid(f"Invalid input JSON on line {fault.lineno}, column {fault.colno}: {fault.msg}") from fault
    if not isinstance(value, list):
        raise errors.invalid("Invalid input JSON on line 1, column 1: Cannot deserialize value of type `Array`")
    return value


def read_inputs(body: bytes, limit: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A batch body and its `inputs`, which are objects. Raises `HubSpotError`, also for more than `limit`."""
    value = read_object(body)
    inputs = value.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(item, dict) for item in inputs):
        raise errors.invalid("Invalid input JSON: inputs must be an array of objects")
    if len(inputs) > limit:
        raise errors.invalid(f"The maximum number of inputs supported in a batch request is {limit}, not {len(inputs)}")
    return value, inputs


def read_properties(item: Mapping[str, Any]) -> dict[str, str | None]:
    """The `properties` to set, as texts. Raises `HubSpotError`."""
    properties = item.get("properties")
    if not isinstance(properties, dict):
        raise errors.invalid("Invalid input JSON: properties must be an object")
    return {name: _text(name, value) for name, value in properties.items()}


def requested(query: Mapping[str, str]) -> tuple[str, ...] | None:
    """The names in the `properties` parameter, or None when there are none."""
    return listed(query, "properties") or None


def listed(query: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The names in a parameter that may be repeated, or name several with commas."""
    given = ",".join(all_values(query, name))
    return tuple(each.strip() for each in given.split(",") if each.strip())


def flag(query: Mapping[str, str], name: str) -> bool:
    """A parameter that is true or false (the default). Raises `HubSpotError`."""
    value = query.get(name, "false").lower()
    if value not in ("true", "false"):
        raise errors.invalid(f"{name} must be true or false, not '{value}'")
    return value == "true"


def json_answer(value: Any, status: int = 200, records: int = 0) -> Answer:
    """`value` as a JSON answer."""
    return Answer(status, orjson.dumps(value), records=records)


def batch_answer(results: Sequence[Any], faults: Sequence[Mapping[str, Any]], now: int, status: int = 200) -> Answer:
    """The answer to a batch: 207 when anything failed. `now` in ms."""
    moment = moments.write(now)
    body: dict[str, Any] = {"completedAt": moment, "status": "COMPLETE", "startedAt": moment, "results": results}
    if faults:
        body |= {"numErrors": len(faults), "errors": faults}
    return json_answer(body, 207 if faults else status, len(results))


def _text(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise errors.invalid(f"Invalid input JSON: the value of {name} must be a string, a number or a boolean")
