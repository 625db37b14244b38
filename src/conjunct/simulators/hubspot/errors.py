"""HubSpot's refusals, in its words and shapes."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from conjunct.simulators.contract import Answer

_INTERNAL = "internal error"
_STATUS_WORDS = {
    401: ("Authentication credentials not found.", "INVALID_AUTHENTICATION"),
    403: ("This app hasn't been granted all required scopes to make this call.", "MISSING_SCOPES"),
    404: ("resource not found", "OBJECT_NOT_FOUND"),
    429: ("You have reached your secondly limit.", "RATE_LIMITS"),
    477: ("Account migration in progress", "MIGRATION_IN_PROGRESS"),
    503: ("Service is temporarily unavailable", "SERVICE_UNAVAILABLE"),
}


class HubSpotError(Exception):
    """A refusal: `extra` are further members of its body, `headers` further headers of its answer, `within` is more of
    its context when it is told of one input of a batch."""

    def __init__(
        self,
        status: int,
        message: str,
        category: str | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        within: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.category = category
        self.extra = extra or {}
        self.headers = headers or {}
        self.within = within or {}

    def answer(self, correlation_id: str) -> Answer:
        """The refusal as an HTTP answer."""
        body: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": correlation_id}
        body.update(self.extra)
        if self.category is not None:
            body["category"] = self.category
        return Answer(self.status, orjson.dumps(body), self.headers)

    def within_batch(self, context: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The refusal of one input of a batch."""
        told = {**self.extra.get("context", {}), **(context or {}), **self.within}
        body: dict[str, Any] = {"status": "error", "category": self.category, "message": self.message}
        return {**body, "context": told} if told else body


class CorrelationIds:
    """Random UUIDs, the same ones in every run of a seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Start again with the first one."""
        self._random = random.Random(f"correlation:{self._seed}")  # noqa: S311 - repeatable on purpose

    def next(self) -> str:
        """A UUID of version 4."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def of_status(status: int) -> HubSpotError:
    """An error of this status for no particular reason."""
    if status == 429:
        return rate_limited(1)
    message, category = _STATUS_WORDS.get(status, (_INTERNAL, "VALIDATION_ERROR" if status < 500 else None))
    return HubSpotError(status, message, category)


def invalid(message: str) -> HubSpotError:
    """Something in the request is wrong."""
    return HubSpotError(400, message, "VALIDATION_ERROR")


def unauthenticated() -> HubSpotError:
    """No access token, or one that was revoked."""
    message = (
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
        "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
    )
    return HubSpotError(401, message, "INVALID_AUTHENTICATION")


def expired() -> HubSpotError:
    """The access token was good once."""
    return HubSpotError(401, "The OAuth token used to make this call has expired.", "EXPIRED_AUTHENTICATION")


def rate_limited(
    retry_after: int,
    headers: Mapping[str, str] | None = None,
    policy: str = "TEN_SECONDLY_ROLLING",
    words: str = "ten_secondly_rolling",
) -> HubSpotError:
    """Too many requests for a policy; `retry_after` in seconds, `headers` tell the limit."""
    return HubSpotError(
        429,
        f"You have reached your {words} limit.",
        extra={"errorType": "RATE_LIMIT", "policyName": policy},
        headers={"Retry-After": str(retry_after), **(headers or {})},
    )


def unknown_property(name: str) -> HubSpotError:
    """The object has no property of that name."""
    return HubSpotError(404, f'Property "{name}" does not exist', "OBJECT_NOT_FOUND")


def unknown_group(name: str) -> HubSpotError:
    """The object has no property group of that name."""
    return HubSpotError(404, f'Property group "{name}" does not exist', "OBJECT_NOT_FOUND")


def already_exists(what: str, name: str) -> HubSpotError:
    """A property or a property group of that name is there already; `what` is `property` or `group`."""
    extra = {"subCategory": f"Properties.{what.upper()}_WITH_NAME_EXISTS", "context": {"name": [name]}}
    return HubSpotError(409, f"A {what} named '{name}' already exists.", "OBJECT_ALREADY_EXISTS", extra=extra)


def read_only(name: str) -> HubSpotError:
    """Records of this object cannot be written."""
    return HubSpotError(405, f"{name} can only be read", "VALIDATION_ERROR")


def unknown_object(name: str) -> HubSpotError:
    """The path names an object that the account does not have."""
    return HubSpotError(400, f"Unable to infer object type from: {name}")


def not_found() -> HubSpotError:
    """No record has this id."""
    return HubSpotError(404, "Object not found.  objectId are usually numeric.", "OBJECT_NOT_FOUND")


def unknown_records(full_name: str, ids: Sequence[str]) -> HubSpotError:
    """Records that a batch names are not there."""
    message = f"Could not get some {full_name} objects, they may be deleted or not exist. Check that ids are valid."
    return HubSpotError(404, message, "OBJECT_NOT_FOUND", extra={"context": {"ids": list(ids)}})


def no_such_path() -> HubSpotError:
    """The API has no such method and path."""
    return HubSpotError(404, "resource not found")


def conflict(label: str, existing_id: str) -> HubSpotError:
    """Another record has the value of a unique property."""
    message = f"{label} already exists. Existing ID: {existing_id}"
    return HubSpotError(409, message, "CONFLICT", within={"existingId": [existing_id]})


def invalid_values(faults: Sequence[tuple[str, str, str]]) -> HubSpotError:
    """Properties cannot be set so; each fault is (property, code, message)."""
    listed = [{"isValid": False, "message": text, "error": code, "name": name} for name, code, text in faults]
    errors = [{"message": text, "code": code, "context": {"propertyName": [name]}} for name, code, text in faults]
    message = f"Property values were not valid: {json.dumps(listed, separators=(',', ':'))}"
    return HubSpotError(400, message, "VALIDATION_ERROR", extra={"errors": errors})
