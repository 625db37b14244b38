"""Signs of life of the worker in this process, for those who restart what is stuck."""

from __future__ import annotations

import time


class Pulse:
    """When each of the worker's loops last came round, whether the database answered or not, in monotonic seconds.

    A loop that waits for something to happen, and may wait for ever, is not among them. `longest` is how many seconds a
    loop may take.
    """

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self._turns: dict[str, float] = {}

    def turn(self, loop: str) -> None:
        """The loop comes round now."""
        self._turns[loop] = time.monotonic()

    def end(self, loop: str) -> None:
        """The loop has ended in order."""
        self._turns.pop(loop, None)

    def stuck(self) -> list[str]:
        """The loops that have not come round for longer than any of their steps may take."""
        now = time.monotonic()
        return [loop for loop, turned in self._turns.items() if now - turned > self.longest]
