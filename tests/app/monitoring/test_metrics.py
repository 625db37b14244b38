"""Metrics: what a scrape tells is what was done, to those only who may know, and nothing secret."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from conjunct import __version__
from conjunct.app.monitoring import watched
from conjunct.app.monitoring.sampling import Platform as WholePlatform
from conjunct.core import metrics
from conjunct.core.database import Database
from conjunct.core.metrics import FAST, Counter, Gauge, Histogram
from conjunct.core.settings import Settings
from tests.support.platform import Platform, running_platform, running_worker

TOKEN = "a-token-for-metrics-only"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

Values = dict[tuple[str, ...], float]


def parsed(page: str) -> Values:
    """Values by the metric's name, without what goes before all, and its labels' values in the order of their names."""
    return {
        (sample.name.removeprefix("conjunct_"), *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def scraped(platform: Platform) -> Values:
    answer = await platform.client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    return parsed(answer.text)


async def scraped_until(platform: Platform, there: Callable[[Values], bool]) -> Values:
    """The values once they are so: what a job did is counted when it has ended, a moment after its last commit."""
    async with asyncio.timeout(30):
        while not there(values := await scraped(platform)):  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.02)
    return values


@pytest.fixture
async def watched_platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database, tmp_path, metrics_token=TOKEN) as platform:
        yield platform


async def test_a_scrape_after_a_read_tells_exactly_what_was_done(watched_platform: Platform) -> None:
    platform = watched_platform
    await platform.set_up()
    (backfill,) = await platform.operations()
    assert (await platform.ended(backfill["id"]))["status"] == "success"
    values = await scraped_until(platform, lambda found: ("job_attempts_total", "read.run", "done") in found)
    delivered = len(platform.receiver.messages)
    asked = platform.hubspot.journal.stats()["requests"]
    assert values["read_runs_total", "success", "backfill"] == 1
    assert values["read_records_total", "hubspot", "backfill"] == 250
    assert values["read_pages_total", "hubspot", "backfill"] == 3
    assert values["read_run_seconds_count", "backfill"] == 1
    assert ("read_records_left_out_total", "hubspot", "backfill") not in values
    assert values["delivery_attempts_total", "delivered", "webhook"] == delivered > 0
    assert values["delivery_latency_seconds_count",] == delivered
    assert values["provider_requests_total", "none", "hubspot", "2xx"] == asked
    assert values["provider_request_seconds_count", "hubspot"] == asked
    assert values["job_attempts_total", "read.run", "done"] == 1
    assert values["job_seconds_count", "read.run"] == values["job_wait_seconds_count", "read.run"] == 1
    made = ("POST", "/v1/projects/{projectIdOrName}/connections:generate")
    assert values["http_requests_total", *made, "201"] == values["http_request_seconds_count", *made] == 1
    states = ("ready", "yielded", "running", "delayed", "waiting", "dead")
    assert [values["queue_jobs", state] for state in states] == [0] * len(states)
    assert values["messages", "pending"] == values["message_bytes", "pending"] == 0
    assert values["platform_known",] == 1


async def test_failures_are_told_by_their_kind(watched_platform: Platform) -> None:
    platform = watched_platform
    await platform.set_up()
    (backfill,) = await platform.operations()
    await platform.ended(backfill["id"])
    before = len(platform.receiver.messages)
    platform.hubspot.faults.set(["403:1"])
    platform.receiver.fail(503)
    assert (await platform.ended(await platform.trigger()))["status"] == "failure"
    platform.hubspot.faults.reset()
    assert (await platform.ended(await platform.trigger()))["status"] == "success"
    values = await scraped_until(platform, lambda found: found.get(("job_attempts_total", "read.run", "done")) == 3)
    assert values["read_runs_total", "failure", "triggered"] == values["read_runs_total", "success", "triggered"] == 1
    assert values["provider_requests_total", "forbidden", "hubspot", "4xx"] >= 1
    assert values["delivery_attempts_total", "delivered", "webhook"] == before
    assert values["delivery_attempts_total", "5xx", "webhook"] >= 1
    assert values["messages", "pending"] > 0
    assert values["message_bytes", "pending"] > 0


async def test_no_secret_and_no_id_is_told(watched_platform: Platform) -> None:
    platform = watched_platform
    await platform.set_up()
    (backfill,) = await platform.operations()
    await platform.ended(backfill["id"])
    shown = await platform.send("GET", "/destinations/people-webhook?includeSecrets=true", 200)
    await platform.client.get("/callbacks/v1/oauth", params={"code": "the-code-of-oauth", "state": "the-state"})
    await platform.client.get("/connect/cjl_the-token-of-a-link")
    await platform.client.request("PROPFIND", "/v1/projects/nosuchproject")
    page = (await platform.client.get("/metrics", headers=BEARER)).text
    secrets = [
        TOKEN,
        platform.client.headers["X-Api-Key"],
        shown["secrets"]["webhookSigningKey"],
        platform.receiver.url,
    ]
    ids = [platform.project_id, platform.installation, platform.connection, backfill["id"], shown["id"], "acme"]
    texts = ["the-code-of-oauth", "the-state", "the-token", "nosuchproject", "PROPFIND", "people"]
    assert [each for each in (*secrets, *ids, *texts) if each in page] == []


async def test_paths_that_there_are_not_are_one_label(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, metrics_token=TOKEN, worker=False) as platform:
        for number in range(20):
            await platform.client.get(f"/v1/nowhere/{number}")
            await platform.client.request("PROPFIND", f"/v1/{number}")
        values = await scraped(platform)
    requests = {labels: value for labels, value in values.items() if labels[0] == "http_requests_total"}
    assert requests == {
        ("http_requests_total", "GET", "unknown", "404"): 20,
        ("http_requests_total", "unknown", "unknown", "404"): 20,
    }


class TestAccess:
    async def test_without_a_token_there_is_nothing(self, database: Database, tmp_path: Path) -> None:
        async with running_platform(database, tmp_path, worker=False) as platform:
            there = await platform.client.get("/metrics", headers=BEARER)
            nowhere = await platform.client.get("/nowhere", headers=BEARER)
        assert there.json()["detail"] == "There is nothing at /metrics."
        own = ("time", "requestId", "instance", "detail")
        first, second = ({k: v for k, v in each.json().items() if k not in own} for each in (there, nowhere))
        assert there.status_code == 404
        assert first == second

    async def test_only_the_token_opens(self, database: Database, tmp_path: Path) -> None:
        async with running_platform(database, tmp_path, metrics_token=TOKEN, worker=False) as platform:
            key = platform.client.headers["X-Api-Key"]
            bad = ["", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", f"Basic {TOKEN}", f"Bearer {key}"]
            for given in bad:
                answer = await platform.client.get("/metrics", headers={"Authorization": given})
                assert answer.status_code == 401, given
                assert answer.json()["remedy"].startswith("Send `Authorization: Bearer <token>`")
            answer = await platform.client.get("/metrics", headers=BEARER)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")


class TestPort:
    async def test_it_tells_metrics_life_and_readiness(self, database: Database, tmp_path: Path) -> None:
        async with running_platform(database, tmp_path, worker=False) as platform:
            settings = platform.settings.model_copy(update={"metrics_port": free_port()})
            async with (
                watched(settings, platform.services, "worker"),
                httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.metrics_port}") as client,
            ):
                values = parsed((await client.get("/metrics")).text)
                assert values["build_info", "worker", __version__] == 1
                assert ("queue_jobs", "ready") not in values  # an API tells of the whole
                assert (await client.get("/livez")).json() == {"status": "alive"}
                platform.services.engine.pulse.longest = -1.0  # every turn is too long ago
                platform.services.engine.pulse.turn("claim")
                stuck = await client.get("/livez")
                assert (stuck.status_code, stuck.json()) == (503, {"status": "stuck", "loops": ["claim"]})
                ready = await client.get("/readyz")
                assert ready.status_code == 503
                checks = {"database": "ok", "migrations": "ok", "worker": "no sign of life since ever"}
                assert ready.json() == {"status": "not ready", "checks": checks}
                async with running_worker(platform.services), asyncio.timeout(20):
                    while (ready := await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - it is asked
                        await asyncio.sleep(0.01)
                assert ready.json()["status"] == "ready"
                assert (await client.get("/v1/projects")).status_code == 404

    async def test_the_loops_of_a_worker_tell_that_they_come_round(self, database: Database, tmp_path: Path) -> None:
        async with running_platform(database, tmp_path, worker=False) as platform:
            pulse = platform.services.engine.pulse
            pulse.longest = -1.0
            async with running_worker(platform.services), asyncio.timeout(20):
                while len(pulse.stuck()) < 3:  # noqa: ASYNC110 - it is asked
                    await asyncio.sleep(0.01)
                assert set(pulse.stuck()) == {"claim", "tick", "beat"}
            assert pulse.stuck() == []  # what has ended in order is not stuck


async def test_what_cannot_be_asked_of_the_database_is_not_told(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, metrics_token=TOKEN, worker=False) as platform:
        values = await scraped(platform)
        assert values["platform_known",] == 1
        nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
        await WholePlatform(nowhere, platform.services.engine, platform.services.delivery).sample()
        values = await scraped(platform)  # this process asked just now, and asks again only later
    assert values["platform_known",] == 0
    told = {name for name, *_ in values}
    assert told.isdisjoint({"queue_jobs", "queue_oldest_ready_seconds", "messages", "destinations_in_trouble"})


async def test_nothing_is_counted_where_nobody_can_ask(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        async with watched(platform.settings, platform.services, "api") as monitor:
            assert monitor is None
        assert (await platform.client.get("/healthz")).status_code == 200
    registry = metrics.start()
    assert registry.get_sample_value("conjunct_http_requests_total") is None
    metrics.stop()


class TestDeclaring:
    @pytest.fixture(autouse=True)
    def _declared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(metrics, "_declared", [])

    def test_a_metric_has_a_bounded_number_of_series(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(metrics, "MOST_SERIES", 3)
        counter = Counter("things_total", "Things.", ("kind", "outcome"))
        registry = metrics.start()
        for number in range(10):
            counter.add(f"kind{number}", "done")
        counter.add("kind0", "done", by=2)
        metrics.stop()
        found = parsed(metrics.page(registry)[0].decode())
        assert {labels[1:]: value for labels, value in found.items() if labels[0] == "things_total"} == {
            ("kind0", "done"): 3,
            ("kind1", "done"): 1,
            ("kind2", "done"): 1,
            ("other", "other"): 7,
        }

    def test_what_was_counted_before_or_after_is_not_told(self) -> None:
        counter, gauge = Counter("things_total", "Things."), Gauge("state", "State.")
        histogram = Histogram("span_seconds", "Span.", bounds=FAST)
        counter.add()
        gauge.set(5)
        histogram.observe(1)
        registry = metrics.start()
        assert registry.get_sample_value("conjunct_things_total") == 0
        assert registry.get_sample_value("conjunct_state") is None
        assert registry.get_sample_value("conjunct_span_seconds_count") == 0
        gauge.set(6)
        assert registry.get_sample_value("conjunct_state") == 6
        gauge.forget()
        assert registry.get_sample_value("conjunct_state") is None
        metrics.stop()
        counter.add()
        assert registry.get_sample_value("conjunct_things_total") == 0

    def test_one_that_is_declared_later_counts_as_well(self) -> None:
        registry = metrics.start()
        counter = Counter("late_total", "Late.")
        counter.add()
        metrics.stop()
        assert registry.get_sample_value("conjunct_late_total") == 1


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="metrics_token"):
        Settings(metrics_token="short")


async def test_statements_that_fail_are_counted_by_their_state(database: Database) -> None:
    registry = metrics.start()
    try:
        async with database.transaction() as session:
            await session.execute(text("select 1 / 0"))
    except DBAPIError:
        pass
    finally:
        metrics.stop()
    assert registry.get_sample_value("conjunct_database_errors_total", {"sqlstate": "22012"}) == 1
