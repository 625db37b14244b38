"""What a benchmark says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measurement beside its bare baseline; `ok` says whether the budget is kept, None when it has none."""

    path: str
    measured: str
    baseline: str
    ratio: float | None
    budget: str
    ok: bool | None
