"""Offline stand-ins of providers' APIs to build and test against. Import only kit.

A simulator is a folder of this package whose `create(options)` makes one; `names()` finds them. It answers calls
without doing any I/O, so the server, the faults and the control API are written once for all of them.
"""

from conjunct.simulators.contract import Answer, Call, Route, Simulator
from conjunct.simulators.errors import InvalidOption, SimulatorError, UnknownObject, UnknownSimulator
from conjunct.simulators.options import SimulatorOptions
from conjunct.simulators.registry import create, names, require
from conjunct.simulators.server import Running, run, serve

__all__ = [
    "names",
    "require",
    "create",
    "serve",
    "run",
    "Running",
    "SimulatorOptions",
    "Simulator",
    "Route",
    "Call",
    "Answer",
    "SimulatorError",
    "UnknownSimulator",
    "UnknownObject",
    "InvalidOption",
]
