"""Playing a machine: so many examples of so many rules, from a seed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import Machine

RULES = 40
"""In an example; a rule is a few steps, and settling in the end some hundred more."""


def play(machine: type[Machine], *, examples: int, seed_: int, shrink: bool = True) -> Counter[str]:
    """Play the machine; raises what fails, after looking for a shorter example that does. Gives what was played."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    options = settings(
        max_examples=examples,
        stateful_step_count=RULES,
        phases=phases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    with _quiet():
        run_state_machine_as_test(seed(seed_)(machine), settings=options)
    return machine.PLAYED


@contextmanager
def _quiet() -> Iterator[None]:
    """What workers log of thousands of faults, which are made on purpose, is not shown."""
    configured = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**configured)
