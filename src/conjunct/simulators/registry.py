"""Simulators are discovered: every folder of this package that has a `create` is one."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import cast

from conjunct.simulators.contract import Simulator
from conjunct.simulators.errors import UnknownSimulator
from conjunct.simulators.options import SimulatorOptions

_PACKAGE = "conjunct.simulators"


def names() -> list[str]:
    """The names of all simulators, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.ispkg)


def require(name: str) -> None:
    """Raises `UnknownSimulator` where there is no simulator of this name."""
    if name not in names():
        raise UnknownSimulator(f"There is no simulator named {name!r}; there are: {', '.join(names())}.")


def create(name: str, options: SimulatorOptions) -> Simulator:
    """A new simulator with the records that `options` describe. Raises `UnknownSimulator`."""
    require(name)
    folder = importlib.import_module(f"{_PACKAGE}.{name}")
    return cast("Simulator", folder.create(options))
