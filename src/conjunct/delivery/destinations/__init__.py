"""Types of destinations, found by their folders."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from conjunct.core.problems import InvalidRequest, Issue, Unprocessable
from conjunct.delivery.destinations.contract import DestinationType

SPECIFIED = (
    "webhook",
    "kinesis",
    "s3",
    "slack",
    "clickhouse",
    "snowflake",
    "bigquery",
    "redshift",
    "sqs",
    "pubsub",
    "rabbitmq",
    "azureservicebus",
)
"""The types that the API's specification names."""


@cache
def destination_types() -> Mapping[str, DestinationType]:
    """Every type there is, by its name."""
    found: dict[str, DestinationType] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg:
            kind: DestinationType = import_module(f"{__name__}.{module.name}").TYPE
            found[kind.name] = kind
    return MappingProxyType(found)


def destination_type(name: str) -> DestinationType:
    """The type of that name; `Unprocessable` when it is not available here, `InvalidRequest` when there is none."""
    types = destination_types()
    if name in types:
        return types[name]
    available = ", ".join(sorted(types))
    if name in SPECIFIED:
        raise Unprocessable(
            f"Destinations of the type {name!r} are not available in this release.",
            remedy=f"Use one of these types: {available}.",
            issues=[Issue("type", f"is not available; these are: {available}", value=name)],
        )
    raise InvalidRequest(
        "There is no such type of destination.",
        remedy=f"Use one of these types: {available}.",
        issues=[Issue("type", f"must be one of {available}", value=name[:100])],
    )
