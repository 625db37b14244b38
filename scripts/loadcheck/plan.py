"""What happens in a simulated day: whose records change when, and who fails when. The same for the same seed."""

from __future__ import annotations

import random
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

OBJECTS = ("contacts", "companies", "deals")
RECORDS = 50
"""Records of each object of an account."""

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Change:
    """A record's new version, and how many seconds after the beginning it came."""

    second: float
    record: int
    version: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that fails from one second to another: `kind` tells how. What flaps is down every other ten minutes."""

    kind: str
    begin: float
    end: float

    def now(self, second: float) -> str | None:
        """How it fails in that second; None when it does not."""
        if not self.begin <= second < self.end:
            return None
        if self.kind == "flapping":
            return "error" if int(second // 600) % 2 == 0 else None
        return self.kind


@dataclass(frozen=True)
class Plan:
    """A day of so many installations, each over an account of its own, in projects of equal size.

    `changing` is the share of objects of which something has changed between two reads; `failing` the share of
    accounts and of destinations that fail. Nothing changes in the last `settled` of `length`.
    """

    base: datetime
    installations: int
    per_project: int
    length: timedelta
    settled: timedelta = timedelta(minutes=40)
    changing: float = 0.05
    failing: float = 0.01
    destinations_each: int = 10
    """Destinations of a project, each of one integration."""
    seed: int = 1

    @property
    def projects(self) -> int:
        """How many there are."""
        return -(-self.installations // self.per_project)

    def destination_of(self, account: int) -> tuple[int, int]:
        """The project, and the number in it, of the destination that an account's records go to."""
        project, place = divmod(account, self.per_project)
        return project, place % self.destinations_each

    @cached_property
    def changes(self) -> dict[tuple[int, str], list[Change]]:
        """What changes of each object of each account, in order."""
        return {
            (account, name): self._changes_of(account, name)
            for account in range(self.installations)
            for name in OBJECTS
        }

    def _changes_of(self, account: int, name: str) -> list[Change]:
        rng = random.Random(f"{self.seed}/{account}/{name}")
        last = (self.length - self.settled).total_seconds()
        second, versions, found = 0.0, dict.fromkeys(range(RECORDS), 1), []
        while (second := second + rng.expovariate(self.changing / 600)) < last:
            for record in rng.sample(range(RECORDS), rng.randint(1, 3)):
                versions[record] += 1
                found.append(Change(round(second, 3), record, versions[record]))
        return found

    @cached_property
    def account_troubles(self) -> dict[int, Trouble]:
        """The accounts whose provider fails."""
        kinds = ("error", "limited", "reset", "flapping", "unavailable")
        return self._troubles(list(range(self.installations)), kinds)

    @cached_property
    def destination_troubles(self) -> dict[tuple[int, int], Trouble]:
        """The destinations that fail."""
        used = sorted({self.destination_of(account) for account in range(self.installations)})
        return self._troubles(used, ("error", "flapping", "reset"))

    def _troubles(self, keys: list[Key], kinds: tuple[str, ...]) -> dict[Key, Trouble]:
        """Every other one of them fails for an hour from the middle of the day, the others all day."""
        rng = random.Random(self.seed)
        chosen = rng.sample(keys, max(2, round(len(keys) * self.failing)))
        whole, middle = self.length.total_seconds(), self.length.total_seconds() / 2
        troubles = {}
        for place, key in enumerate(chosen):
            begin, end = (0.0, whole * 10) if place % 2 == 0 else (middle, middle + min(3600.0, whole / 8))
            troubles[key] = Trouble(kinds[place % len(kinds)], begin, end)
        return troubles

    def second_of(self, moment: datetime) -> float:
        """How many seconds after the beginning that is."""
        return (moment - self.base).total_seconds()

    def seen(self, account: int, name: str, since: float, until: float, now: float) -> list[Change]:
        """What the account tells `now` of records whose last change is between the two, both inclusive."""
        changes = self.changes[account, name]
        latest: dict[int, Change] = {}
        for change in changes[bisect_left(changes, since, key=lambda each: each.second) :]:
            if change.second > now:
                break
            latest[change.record] = change
        return [change for change in latest.values() if change.second <= until]
