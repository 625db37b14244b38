"""How long things may take while tokens are exchanged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from conjunct.connections.tokens import TokenEndpoint


@dataclass(frozen=True, slots=True)
class RefreshTimes:
    """Seconds, all of them but the last two.

    `lease` is how long a claim lasts; `asking` how long the provider is waited for. A claim of a process with another
    data folder is left alone for `grace` longer, as only there the answer may be kept. Who is refused after another's
    exchange was interrupted waits `late` for that one's answer. Nobody waits for a token longer than `patience`.
    `look` are the shortest and the longest time between two looks at another's claim; from `file_after` on it is also
    looked whether its answer is in a file.

    What is due within `horizon` is renewed now, as upkeep comes once a minute. Files are kept `files_kept`.
    """

    lease: float = 25.0
    asking: float = TokenEndpoint.timeout
    grace: float = 20.0
    late: float = 10.0
    patience: float = 75.0
    look: tuple[float, float] = (0.1, 0.5)
    file_after: float = 1.0
    store_attempt: float = 10.0
    horizon: timedelta = timedelta(seconds=60)
    files_kept: timedelta = timedelta(days=7)
