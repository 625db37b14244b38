"""What a browser sends: a form's values within limits, and the request for a connection that they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel, ValidationError

from conjunct.core.problems import InvalidRequest, Issue, TooLarge
from conjunct.web.connect.fields import Field

LARGEST_FORM = 128 * 1024
"""Bytes. A secret has up to 32,768 characters, and a form's letters may take three bytes each."""

MOST_FIELDS = 100

_FORM = "application/x-www-form-urlencoded"

M = TypeVar("M", bound=BaseModel)


async def read_form(request: Request) -> dict[str, str]:
    """The values of a form by name; of a repeated one the last. Raises `TooLarge`, `InvalidRequest`."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _FORM:
        raise InvalidRequest("What was sent is not a form.", remedy="Open the page again, and send its form.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise TooLarge("What was sent is too large.", remedy="Open the page again, and send its form.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InvalidRequest("What was sent is not a form.", remedy="Open the page again, and send its form.") from None
    if any("\x00" in text for pair in pairs for text in pair):
        raise InvalidRequest("What was sent holds a NUL character.", remedy="Open the page again, and type anew.")
    return dict(pairs)


def missing(fields: Iterable[Field], values: Mapping[str, str]) -> list[Issue]:
    """An issue for each field that is needed and left blank."""
    return [
        Issue(each.name, _wanted(each.label))
        for each in fields
        if each.required and not values.get(each.name, "").strip()
    ]


def request_of(model: type[M], fields: Iterable[Field], values: Mapping[str, str], **known: Any) -> M:
    """The request that the fields make, with what is known besides; blank ones are left out.

    Raises `InvalidRequest` with an issue for each value that cannot be, by the field's name.
    """
    document: dict[str, Any] = {name: value for name, value in known.items() if value is not None}
    for field in fields:
        value = values.get(field.name, "")
        value = value if field.is_secret else value.strip()
        if value.strip():
            _place(document, field.name, value)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        # The library's words would repeat what was typed.
        places = {".".join(str(part) for part in fault["loc"]) for fault in error.errors()}
        raise InvalidRequest(
            "Something cannot be used as it is.",
            issues=[Issue(place, "This is too long, or has characters that cannot be used.") for place in places],
        ) from None


def _place(document: dict[str, Any], name: str, value: str) -> None:
    *path, last = name.split(".")
    for part in path:
        document = document.setdefault(part, {})
    if name.endswith(".scopes"):
        document[last] = value.replace(",", " ").split()
        return
    document[last] = value
    if name.startswith("providerMetadata."):
        document["source"] = "input"


def _wanted(label: str) -> str:
    """A label in a sentence: `API key` stays as it is there, `User name` begins small."""
    within = label if label[1:2].isupper() else label[:1].lower() + label[1:]
    return f"Give {within}." if within.startswith(("your ", "the ")) else f"Give the {within}."
