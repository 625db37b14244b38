"""Telling operators of requests to a provider: metrics, and a span each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from conjunct.connectors import metrics
from conjunct.connectors.errors import HeldBack, ProviderError
from conjunct.core import tracing


@dataclass(slots=True)
class Asked:
    """A request under way: the status of its answer, and how long that took in seconds, once it is there."""

    began: float
    status: int | None = None
    elapsed: float | None = None

    def answered(self, status: int) -> None:
        """The answer is there."""
        self.status = status
        self.elapsed = time.perf_counter() - self.began


@contextmanager
def telling(provider: str, method: str) -> Iterator[Asked]:
    """Tell of the request that is made within the block, and of the error that comes of it."""
    asked, error = Asked(time.perf_counter()), metrics.NONE
    with tracing.span(f"{provider} {method}", "client") as span:
        try:
            yield asked
        except ProviderError as failed:
            error = failed.kind.value
            span.fail(error)
            raise
        finally:
            elapsed = asked.elapsed if asked.elapsed is not None else time.perf_counter() - asked.began
            metrics.REQUESTS.add(provider, metrics.status_class(asked.status), error)
            metrics.SECONDS.observe(elapsed, provider)
            span.note(
                {
                    "conjunct.provider": provider,
                    "http.request.method": method,
                    "http.response.status_code": asked.status,
                }
            )


@contextmanager
def telling_of_wait(provider: str) -> Iterator[None]:
    """Tell for how long the block waits for the provider's limits, or that they allow nothing soon."""
    began = time.perf_counter()
    try:
        yield
    except HeldBack:
        metrics.HELD_BACK.add(provider)
        raise
    finally:
        metrics.WAITED.add(provider, by=time.perf_counter() - began)
