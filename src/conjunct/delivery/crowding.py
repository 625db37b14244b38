"""Slow destinations must not take all the places that a project's jobs have.

A try at a destination that hangs holds its place for 30 seconds, and no breaker opens for one that answers in the end.
So a destination gets many tries at once only while its answers are quick. Otherwise it gets a few, and all such
destinations of a project together no more than a part of its places. What is held off goes later, and loses no attempt.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

QUICK = 1.0
"""Seconds within which a destination answers that is not slow."""
FEW = 4
"""Tries at once, in one process, at a destination that is slow or not known yet."""

_MAX_KNOWN = 10_000


class Crowding:
    """How tries at destinations go in this process, as `seconds` counts."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._places: Counter[tuple[str, str]] = Counter()
        self._under_way: dict[str, list[float]] = {}
        self._took: OrderedDict[str, float] = OrderedDict()

    def is_full(self, project_id: str, destination_id: str, share: int) -> bool:
        """Whether a try would be one too many: at this destination, or beyond the share of the project's slow ones."""
        if self._is_quick(destination_id):
            return False
        here = self._places[project_id, destination_id]
        if here >= FEW:
            return True
        if not here and destination_id not in self._took:  # it may be quick: what hangs must not keep it out
            share += -(-share // 2)
        taken = self._places.items()
        return share <= sum(n for (project, each), n in taken if project == project_id and not self._is_quick(each))

    @contextmanager
    def place(self, project_id: str, destination_id: str) -> Iterator[None]:
        """Take a place for a try that is about to be made."""
        key = project_id, destination_id
        self._places[key] += 1
        try:
            yield
        finally:
            self._places[key] -= 1
            if not self._places[key]:
                del self._places[key]

    @contextmanager
    def trying(self, destination_id: str) -> Iterator[None]:
        """Note how long a try takes."""
        begun = self._seconds()
        self._under_way.setdefault(destination_id, []).append(begun)
        try:
            yield
        finally:
            tries = self._under_way[destination_id]
            tries.remove(begun)
            if not tries:
                del self._under_way[destination_id]
            self._note(destination_id, self._seconds() - begun)

    def wait(self, destination_id: str) -> float:
        """Seconds after which it is worth another look: about as long as a try takes."""
        return max(self._took.get(destination_id, 0.0), QUICK)

    def _is_quick(self, destination_id: str) -> bool:
        """Whether the last try was answered in time, and none under way is late."""
        took = self._took.get(destination_id)
        oldest = min(self._under_way.get(destination_id, ()), default=None)
        late = oldest is not None and self._seconds() - oldest > QUICK
        return took is not None and took <= QUICK and not late

    def _note(self, destination_id: str, took: float) -> None:
        self._took[destination_id] = took
        self._took.move_to_end(destination_id)
        if len(self._took) > _MAX_KNOWN:
            self._took.popitem(last=False)
