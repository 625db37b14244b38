"""Traces: spans of requests, jobs, reads and deliveries reach a collector, and nothing of them anybody else."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from conjunct.app.monitoring import traced
from conjunct.core import tracing
from conjunct.core.database import Database
from tests.support.platform import running_platform
from tests.support.servers import serve

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@dataclass
class Collector:
    """What an OTLP collector was sent: spans, and the resources that sent them."""

    spans: list[Any] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    raw: bytes = b""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()  # unpacked by the server
        self.raw += body
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(values(sent.resource.attributes))
            self.spans += [span for scope in sent.scope_spans for span in scope.spans]
        return web.Response(content_type="application/x-protobuf")

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans if span.name == name]


def values(attributes: Any) -> dict[str, Any]:
    """Attributes as plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    """A collector on loopback, which the environment names."""
    found = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", found.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield found
    await runner.cleanup()


async def test_a_read_is_traced_from_the_request_to_the_delivery(
    database: Database, tmp_path: Path, collector: Collector
) -> None:
    async with traced("worker"), running_platform(database, tmp_path) as platform:
        await platform.set_up()
        (backfill,) = await platform.operations()
        await platform.ended(backfill["id"])
        parent = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        secret = {"code": "the-code-of-oauth", "state": "the-state-of-oauth"}
        await platform.client.get("/callbacks/v1/oauth", params=secret, headers=parent)
        await platform.client.get("/connect/the-token-of-a-link")
        sent = platform.receiver.requests
        asked = platform.hubspot.journal.last(1000)
        key = platform.client.headers["X-Api-Key"]
        shown = await platform.send("GET", "/destinations/people-webhook?includeSecrets=true", 200)
    (callback,) = collector.named("GET /callbacks/v1/oauth")
    assert (callback.trace_id.hex(), callback.parent_span_id.hex()) == (TRACE, CALLER)
    assert values(callback.attributes)["http.response.status_code"] == 400
    (job,) = collector.named("job read.run")
    (read,) = collector.named("read")
    assert values(job.attributes)["conjunct.job.outcome"] == "done"
    assert read.parent_span_id == job.span_id
    assert values(read.attributes) == {
        "conjunct.operation_id": backfill["id"],
        "conjunct.installation_id": platform.installation,
        "conjunct.object": "contacts",
        "conjunct.read_type": "backfill",
    }
    pages = [
        span for span in collector.spans if span.parent_span_id == read.span_id and span.name.startswith("hubspot")
    ]
    deliveries = collector.named("deliver")
    assert len(pages) >= 3
    assert len(deliveries) == len(sent)
    assert {span.trace_id for span in (*pages, *deliveries)} == {job.trace_id}
    assert {values(span.attributes)["conjunct.message_id"] for span in deliveries} == {each.id for each in sent}
    assert {each["service.name"] for each in collector.resources} == {"conjunct-worker"}
    assert not any("traceparent" in each.headers for each in sent)
    assert not any("traceparent" in {name.lower() for name in each.headers} for each in asked)
    hidden = ["the-code-of-oauth", "the-state", "the-token-of-a-link", key, shown["secrets"]["webhookSigningKey"]]
    hidden += [platform.receiver.url, "Bearer", str(sent[0].body["result"][0]["raw"]["properties"]["email"])]
    assert [text for text in hidden if text.encode() in collector.raw] == []


async def test_a_job_makes_a_bounded_number_of_spans(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "MOST_CHILDREN", 5)

    async def page() -> None:
        with tracing.span("page", "client"):
            await asyncio.sleep(0)

    async with traced("worker"):
        for _ in range(2):
            with tracing.span("job", "consumer", root=True):
                await asyncio.gather(*(page() for _ in range(20)))
    assert len(collector.named("job")) == 2
    assert len(collector.named("page")) == 10


async def test_a_failure_is_told_by_its_kind_alone(collector: Collector) -> None:
    async with traced("api"):
        with pytest.raises(ValueError, match="secret"), tracing.span("job", "consumer", root=True):
            raise ValueError("a secret of a customer")
    (span,) = collector.spans
    assert (span.status.message, span.status.code) == ("ValueError", 2)
    assert b"secret" not in collector.raw


async def test_a_name_that_the_operator_gives_goes_before(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "integrations")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    async with traced("api"):
        with tracing.span("request", "server", root=True):
            pass
    (resource,) = collector.resources
    assert (resource["service.name"], resource["deployment.environment"]) == ("integrations", "test")


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_being_asked_for_nothing_is_traced(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert tracing.start("api", version="1") is None
    assert tracing.span("request", "server", root=True) is tracing.span("read")


def test_a_missing_extra_is_told_and_all_else_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with capture_logs() as logs:
        assert tracing.start("api", version="1") is None
    (told,) = logs
    assert (told["event"], told["log_level"]) == ("tracing.unavailable", "warning")
    assert "pip install 'conjunct[otel]'" in told["reason"]


async def test_a_collector_that_is_away_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(tracing, "LAST_SECONDS", 0.1)
    async with asyncio.timeout(5), traced("api"):
        with tracing.span("request", "server", root=True):
            pass


async def test_fastapi_traces_nothing_itself(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would, where anything in the process sets a global provider: with whole addresses."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: provider)
    async with serve(FastAPI()) as client:
        await client.get("/callbacks/v1/oauth?code=the-code")
    assert any("the-code" in str(span.attributes) for span in exporter.get_finished_spans())
    exporter.clear()
    async with running_platform(database, tmp_path, worker=False) as platform:
        await platform.client.get("/callbacks/v1/oauth?code=the-code")
    assert exporter.get_finished_spans() == ()
