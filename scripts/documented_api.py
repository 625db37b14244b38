"""The table of the API's operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from conjunct.app.api import create_api
from conjunct.core.settings import Settings
from scripts.markdown import code
from scripts.markdown import table as make_table


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that the API answers; `path` begins with its surface, such as `/v1` or `/read/v1`."""

    name: str
    method: str
    path: str
    summary: str


def table() -> Iterator[str]:
    """All operations by path."""
    rows = ((code(each.name), f"`{each.method} {each.path}`", each.summary) for each in operations())
    return make_table(("operation", "request", "what it does"), rows)


def operations() -> list[Operation]:
    """What the application answers and tells in its OpenAPI document."""
    # Which routes there are does not depend on the services behind them.
    nothing = cast("Any", SimpleNamespace(install=lambda _state: None))
    paths = create_api(Settings(), nothing).openapi()["paths"]
    found = [
        Operation(operation["operationId"], method.upper(), path, operation.get("description", "").split("\n\n")[0])
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda each: (each.path, each.method))
