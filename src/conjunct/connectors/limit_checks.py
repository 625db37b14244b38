"""Checks of what a definition says of the provider's limits."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel

from conjunct.connectors.check_parts import Fault, Path, check_pattern
from conjunct.connectors.definition import Definition
from conjunct.connectors.definition_base import Request
from conjunct.connectors.limits import DEFAULT_BUCKET


def check_limits(definition: Definition) -> Iterator[Fault]:
    """Requests that name a bucket that there is not, wherever they stand; a usage that cannot be read."""
    usage = definition.rate_limit.usage
    if usage is not None:
        at = ("rate_limit", "usage", "pattern")
        faults = list(check_pattern(at, usage.pattern))
        yield from faults
        if not faults and not {"used", "total"} <= re.compile(usage.pattern).groupindex.keys():
            yield Fault(at, "it has no groups `used` and `total`")
    known = {*definition.rate_limit.buckets, DEFAULT_BUCKET}
    for name, each in definition.objects.items():
        for path, request in _requests(("objects", name), each):
            if request.bucket is not None and request.bucket not in known:
                yield Fault((*path, "bucket"), f"rate_limit.buckets has no '{request.bucket}'")


def _requests(path: Path, value: object) -> Iterator[tuple[Path, Request]]:
    if isinstance(value, Request):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _requests((*path, field.alias or name), getattr(value, name))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _requests((*path, key), item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _requests((*path, index), item)
