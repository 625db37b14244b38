"""Metrics: what a process counts and measures, in Prometheus' format.

A slice declares its metrics in a module `metrics` of its own and calls them where things happen. Until `start` nothing
is counted and the library is not even imported, so that whoever does not scrape pays nothing. Labels are of a bounded
kind only (a provider, a job's kind, a route's template, an outcome): never an id of a project, a message, an operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

MOST_SERIES = 2000
"""Combinations of label values that a metric has at most; what comes later counts under `other`."""

OTHER = "other"

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bounds in seconds for what a person or a server waits for."""

SLOW = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 36 * 3600)
"""Bounds in seconds for what goes on in the background."""

Kind = Literal["counter", "gauge", "histogram"]


class Metric:
    """A metric by its name and labels. It is declared once, at import."""

    kind: ClassVar[Kind]

    def __init__(self, name: str, meaning: str, labels: tuple[str, ...] = ()) -> None:
        self.name = f"conjunct_{name}"
        self.meaning = meaning
        self.labels = labels
        self._made: Any = None
        self._children: dict[tuple[str, ...], Any] = {}
        _declared.append(self)
        if _registry is not None:
            self.bind(_registry)

    def bind(self, registry: CollectorRegistry) -> None:
        """Count in that registry from now on, from nothing."""
        self._children = {}
        self._made = self._make(registry)
        if not self.labels:
            self._children[()] = self._made

    def unbind(self) -> None:
        """Count nothing from now on."""
        self._children, self._made = {}, None

    def _make(self, registry: CollectorRegistry) -> Any:
        raise NotImplementedError

    def _child(self, labels: tuple[str, ...]) -> Any:
        child = self._children.get(labels)
        if child is not None:
            return child
        if len(self._children) < MOST_SERIES:
            child = self._children[labels] = self._made.labels(*labels)
            return child
        return self._made.labels(*[OTHER for _ in labels])


class Counter(Metric):
    """Something that happens; its name ends in `_total`."""

    kind = "counter"

    def add(self, *labels: str, by: float = 1) -> None:
        """Count it, with values for its labels in their order."""
        if self._made is not None:
            self._child(labels).inc(by)

    def _make(self, registry: CollectorRegistry) -> Any:
        from prometheus_client import Counter as Made  # noqa: PLC0415 - see the module

        return Made(self.name, self.meaning, self.labels, registry=registry)


class Gauge(Metric):
    """A value of now; not shown before it is known."""

    kind = "gauge"
    _registry: CollectorRegistry | None = None

    def bind(self, registry: CollectorRegistry) -> None:
        """Tell the value in that registry from now on, once it is known."""
        self.unbind()
        self._registry = registry

    def unbind(self) -> None:
        """Tell no value from now on."""
        super().unbind()
        self._registry = None

    def set(self, value: float, *labels: str) -> None:
        """Tell the value, with values for its labels in their order."""
        if self._registry is None:
            return
        if self._made is None:
            super().bind(self._registry)
        self._child(labels).set(value)

    def forget(self) -> None:
        """Tell no value until the next is known."""
        if self._registry is not None and self._made is not None:
            self._registry.unregister(self._made)
            super().unbind()

    def _make(self, registry: CollectorRegistry) -> Any:
        from prometheus_client import Gauge as Made  # noqa: PLC0415 - see the module

        return Made(self.name, self.meaning, self.labels, registry=registry)


class Histogram(Metric):
    """How long something takes, in seconds; its name ends in `_seconds`."""

    kind = "histogram"

    def __init__(self, name: str, meaning: str, labels: tuple[str, ...] = (), *, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        super().__init__(name, meaning, labels)

    def observe(self, seconds: float, *labels: str) -> None:
        """Note one duration, with values for its labels in their order."""
        if self._made is not None:
            self._child(labels).observe(seconds)

    def _make(self, registry: CollectorRegistry) -> Any:
        from prometheus_client import Histogram as Made  # noqa: PLC0415 - see the module

        return Made(self.name, self.meaning, self.labels, buckets=self._bounds, registry=registry)


_declared: list[Metric] = []
_registry: CollectorRegistry | None = None


def declared() -> list[Metric]:
    """All metrics of the modules that are imported, by name."""
    return sorted(_declared, key=lambda metric: metric.name)


def start() -> CollectorRegistry:
    """Count from now on, all from nothing, and what the process itself uses besides; gives what is to be shown."""
    import prometheus_client as library  # noqa: PLC0415 - 3 MB, for those only who want it

    global _registry  # noqa: PLW0603 - a process has one, as it has one log
    library.disable_created_metrics()  # type: ignore[no-untyped-call]
    _registry = library.CollectorRegistry()
    library.ProcessCollector(registry=_registry)
    library.GCCollector(registry=_registry)
    for metric in _declared:
        metric.bind(_registry)
    return _registry


def stop() -> None:
    """Count nothing any more."""
    global _registry  # noqa: PLW0603
    _registry = None
    for metric in _declared:
        metric.unbind()


def page(registry: CollectorRegistry) -> tuple[bytes, str]:
    """All values as text, and its media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415 - as above

    return generate_latest(registry), CONTENT_TYPE_LATEST
