"""Every table of every slice, and every column that holds envelopes, found in their `models` and `sealed` modules."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from sqlalchemy import MetaData

import conjunct
from conjunct.core.database import Base
from conjunct.core.sealed_columns import SealedColumn


def load_metadata() -> MetaData:
    """Import all `models` modules; returns the metadata that their tables have registered in."""
    for _ in _modules("models"):
        pass
    return Base.metadata


def load_sealed_columns() -> tuple[SealedColumn, ...]:
    """Import all `sealed` modules; returns the columns that their `SEALED` lists."""
    return tuple(column for module in _modules("sealed") for column in module.SEALED)


def _modules(name: str) -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(conjunct.__path__, "conjunct.", onerror=_fail):
        if module.name.endswith(f".{name}"):
            yield importlib.import_module(module.name)


def _fail(package: str) -> None:
    """A package that cannot be imported must not pass for one without tables."""
    importlib.import_module(package)
    raise ImportError(package)
