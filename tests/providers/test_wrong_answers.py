"""Whatever a provider answers to what is known of it, connectors give what can be used, or an error that can be.

`scripts/faultcheck/wrong_answers.py` plays more of it, for as long as one likes.
"""

from __future__ import annotations

from collections import Counter
from itertools import cycle, islice

from tests.providers.fuzzing import play_one, samples

EXAMPLES = 1500


async def test_recorded_answers_with_something_wrong_in_them_give_records_or_classed_errors():
    seen: Counter[str] = Counter()
    for seed, (provider, kind) in enumerate(islice(cycle(samples()), EXAMPLES)):
        seen += await play_one(provider, kind, seed)
    assert seen["told"] > EXAMPLES * 0.7, "most is still read, so that it is the reading that is tried"
    assert seen["records"] > seen["entries left out"] * 2 > EXAMPLES / 20
    assert all(seen[f"results {state}"] for state in ("done", "refused", "unknown"))
    assert {"error malformed", "error server", "error cursor_loop", "error rate_limited"} <= set(seen)
