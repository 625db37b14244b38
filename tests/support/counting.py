"""Metrics as a test looks at them: counted from nothing, found by name and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from conjunct.core import metrics

Value = Callable[..., float]


@contextmanager
def counting() -> Iterator[Value]:
    """Count within the block; gives what looks up a value by the metric's name and labels, 0 where there is none."""
    registry = metrics.start()
    try:
        yield lambda name, **labels: registry.get_sample_value(f"conjunct_{name}", labels) or 0.0
    finally:
        metrics.stop()
