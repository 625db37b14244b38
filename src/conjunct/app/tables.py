"""Every table of every slice, found in their `models` modules."""

from __future__ import annotations

import importlib
import pkgutil

from sqlalchemy import MetaData

import conjunct
from conjunct.core.database import Base


def load_metadata() -> MetaData:
    """Import all `models` modules; returns the metadata that their tables have registered in."""
    for module in pkgutil.walk_packages(conjunct.__path__, "conjunct."):
        if module.name.endswith(".models"):
            importlib.import_module(module.name)
    return Base.metadata
