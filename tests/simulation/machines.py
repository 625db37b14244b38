"""All machines, by their names."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.delivery_machine import delivery_machine
from tests.simulation.environment import Environment
from tests.simulation.machine import Machine
from tests.simulation.queue_machine import queue_machine

MACHINES: dict[str, Callable[[Environment], type[Machine]]] = {"queue": queue_machine, "delivery": delivery_machine}
