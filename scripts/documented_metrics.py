"""The table of metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import conjunct
from conjunct.core.metrics import Metric, declared
from scripts.markdown import code
from scripts.markdown import table as make_table

SOURCES = Path(conjunct.__file__).parent
DECLARES = re.compile(r"^from conjunct\.core\.metrics import .*(Counter|Gauge|Histogram)", re.MULTILINE)


def all_metrics() -> list[Metric]:
    """Every metric that a module of ours declares, by name."""
    for path in sorted(SOURCES.rglob("*.py")):
        if DECLARES.search(path.read_text(encoding="utf-8")):
            import_module(".".join(path.relative_to(SOURCES.parent).with_suffix("").parts))
    return declared()


def table() -> Iterator[str]:
    """All metrics by name: kind, labels, meaning."""
    rows = (
        (code(metric.name), metric.kind, ", ".join(map(code, metric.labels)), metric.meaning)
        for metric in all_metrics()
    )
    return make_table(("metric", "kind", "labels", "meaning"), rows)
