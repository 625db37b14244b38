"""A few interleavings of each machine, the same every time; `scripts.faultcheck.interleavings` plays thousands."""

from __future__ import annotations

import pytest

from tests.simulation.environment import Environment
from tests.simulation.machines import MACHINES
from tests.simulation.playing import play

PLAYED = {"queue": (6, 20260301), "delivery": (4, 1)}
"""How many examples, from which seed. These few of the queue notice a lane that nobody promotes."""


@pytest.mark.parametrize("name", MACHINES)
def test_no_interleaving_breaks_a_promise(environment: Environment, name: str) -> None:
    examples, seed = PLAYED[name]
    played = play(MACHINES[name](environment), examples=examples, seed_=seed)
    assert played["steps"] > 50 * examples, f"seed {seed}: {dict(played)}"
    assert played["crash"] > 0, f"seed {seed}: {dict(played)}"
