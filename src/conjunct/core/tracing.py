"""Traces: what a request or a job did, span by span, for OpenTelemetry.

Off unless `start` is called, which the standard environment (`OTEL_EXPORTER_OTLP_ENDPOINT` …) decides; then the extra
`conjunct[otel]` is needed. Until then a span costs a function call. Spans hold ids and outcomes: no addresses with
their queries, no headers, no contents. Nothing of a trace is sent to providers or destinations.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

import structlog

from conjunct.core.settings import traces_are_wanted

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OpenSpan
    from opentelemetry.trace import Tracer

MOST_CHILDREN = 200
"""Spans within one request or job; a backfill of a million records would else make as many as it has pages."""

LAST_SECONDS = 5.0
"""Time to send what is left when a process ends."""

Kind = Literal["internal", "server", "client", "consumer"]
Value = str | int | float | bool

log = structlog.get_logger(__name__)

_tracer: Tracer | None = None
_children: ContextVar[list[int] | None] = ContextVar("conjunct_spans", default=None)


class Span:
    """A span that is open, or the lack of one."""

    __slots__ = ("_span",)

    def __init__(self, span: OpenSpan | None = None) -> None:
        self._span = span

    @property
    def is_open(self) -> bool:
        """Whether anybody will see it."""
        return self._span is not None

    def note(self, attributes: Mapping[str, Value | None]) -> None:
        """Add attributes; None is nothing to tell."""
        if self._span is not None:
            self._span.set_attributes({name: value for name, value in attributes.items() if value is not None})

    def rename(self, name: str) -> None:
        """Call it something else, now that more is known."""
        if self._span is not None:
            self._span.update_name(name)

    def fail(self, why: str) -> None:
        """Mark it as failed, with a short reason of our own: a kind, never another's words."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode  # noqa: PLC0415 - see the module

            self._span.set_status(StatusCode.ERROR, why)


_NO_SPAN = Span()
_NOTHING = nullcontext(_NO_SPAN)


def span(
    name: str, kind: Kind = "internal", *, root: bool = False, headers: Mapping[str, str] | None = None
) -> AbstractContextManager[Span]:
    """A span for the length of the block; an exception marks it as failed by its type.

    A `root` begins a unit of work, with room for `MOST_CHILDREN` more; `headers` may name its parent (W3C's
    `traceparent`).
    """
    if _tracer is None:
        return _NOTHING
    if not root:
        left = _children.get()
        if left is not None:
            if left[0] <= 0:
                return _NOTHING
            left[0] -= 1
    return _open(_tracer, name, kind, root=root, headers=headers)


@contextmanager
def _open(tracer: Tracer, name: str, kind: Kind, *, root: bool, headers: Mapping[str, str] | None) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - see the module
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    context = TraceContextTextMapPropagator().extract(headers) if headers else None
    token = _children.set([MOST_CHILDREN]) if root else None
    try:
        with tracer.start_as_current_span(
            name, context, SpanKind[kind.upper()], record_exception=False, set_status_on_exception=False
        ) as opened:
            try:
                yield Span(opened)
            except BaseException as error:
                opened.set_status(StatusCode.ERROR, type(error).__name__)
                raise
    finally:
        if token is not None:
            _children.reset(token)


def start(process: str, *, version: str) -> Callable[[], None] | None:
    """Trace from now on if the environment asks for it; gives what ends it, and sends what is left (it blocks)."""
    if not traces_are_wanted():
        return None
    try:
        provider = _provider(process, version)
    except ImportError:
        log.warning(
            "tracing.unavailable",
            reason="OTEL_EXPORTER_OTLP_ENDPOINT is set, but the extra is not installed: pip install 'conjunct[otel]'",
        )
        return None
    global _tracer  # noqa: PLW0603 - a process has one
    _tracer = provider.get_tracer("conjunct", version)
    log.info("tracing.started")

    def stop() -> None:
        global _tracer  # noqa: PLW0603
        _tracer = None
        # A thread of its own: where the collector does not answer, the library tries for longer than a process may end.
        sending = threading.Thread(target=provider.shutdown, daemon=True)
        sending.start()
        sending.join(LAST_SECONDS)

    return stop


def _provider(process: str, version: str) -> TracerProvider:
    """What makes spans and sends them on, configured by the environment too.

    It stays ours alone: libraries that look for the global one would trace whole addresses.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    own = Resource({"service.name": f"conjunct-{process}", "service.version": version})
    named = own.merge(OTELResourceDetector().detect())  # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before
    provider = TracerProvider(resource=Resource.create(dict(named.attributes)), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
