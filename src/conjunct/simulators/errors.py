"""What can be wrong with the way a simulator is asked for."""

from __future__ import annotations


class SimulatorError(Exception):
    """A simulator cannot do what its user asked; the message says why, in a sentence."""


class UnknownSimulator(SimulatorError):
    """There is no simulator of this name."""


class UnknownObject(SimulatorError):
    """The simulator has no object of this name."""


class InvalidOption(SimulatorError):
    """An option has a value that makes no sense, such as a fault rule that cannot be read."""
