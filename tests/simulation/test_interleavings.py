"""A few interleavings of each machine, the same every time; `scripts.faultcheck.interleavings` plays thousands."""

from __future__ import annotations

import pytest

from tests.simulation.environment import Environment
from tests.simulation.machines import MACHINES
from tests.simulation.playing import play

EXAMPLES = 4
SEED = 1


@pytest.mark.parametrize("name", MACHINES)
def test_no_interleaving_breaks_a_promise(environment: Environment, name: str) -> None:
    played = play(MACHINES[name](environment), examples=EXAMPLES, seed_=SEED)
    assert played["steps"] > 50 * EXAMPLES, f"seed {SEED}: {dict(played)}"
    assert played["crash"] > 0, f"seed {SEED}: {dict(played)}"
