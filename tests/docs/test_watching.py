"""What the documentation tells those who watch is what the code tells: metrics, log events, alerts."""

from __future__ import annotations

import re
from functools import cache

import pytest
import yaml

from conjunct.core.metrics import Metric
from scripts import documented_metrics, generate_docs

REFERENCE = generate_docs.REFERENCE / "metrics.md"
HOW_TO = generate_docs.ROOT / "docs" / "how-to" / "watch-it.md"

LOGGED = re.compile(r"\b(?:log|self\._log)(?:\.(?:debug|info|warning|error|exception))?\(\s*\"([^\"]+)\"")
NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
METRIC = re.compile(r"\bconjunct_[a-z_]+")
SUFFIX = re.compile(r"_(bucket|count|sum)$")


@cache
def events() -> frozenset[str]:
    """The events that our code logs."""
    sources = (generate_docs.ROOT / "src").rglob("*.py")
    return frozenset(event for path in sources for event in LOGGED.findall(path.read_text(encoding="utf-8")))


def documented_events() -> set[str]:
    section = REFERENCE.read_text(encoding="utf-8").partition("## Log events")[2]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {event for row in rows for event in re.findall(r"`([^`]+)`", row)}


def test_every_event_is_named_in_one_form() -> None:
    assert [event for event in events() if not NAME.fullmatch(event)] == []


def test_every_documented_event_is_logged() -> None:
    assert len(documented_events()) > 20
    assert documented_events() - events() == set()


def test_alerts_ask_for_metrics_that_there_are() -> None:
    known = {metric.name for metric in documented_metrics.all_metrics()}
    text = HOW_TO.read_text(encoding="utf-8")
    named = {SUFFIX.sub("", name) for name in METRIC.findall(text)}
    assert len(named) > 10
    assert named - known == set()


def test_alerts_are_whole() -> None:
    blocks = re.findall(r"```yaml\n(groups:.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    rules = [rule for group in yaml.safe_load(blocks[0])["groups"] for rule in group["rules"]]
    assert all({"alert", "expr"} <= rule.keys() <= {"alert", "expr", "for"} for rule in rules)


@pytest.mark.parametrize("metric", documented_metrics.all_metrics(), ids=lambda metric: metric.name)
def test_a_metric_is_named_by_what_it_is(metric: Metric) -> None:
    assert metric.meaning.endswith(".")
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.endswith("_seconds") >= (metric.kind == "histogram")
    unbounded = {"project", "project_id", "installation", "installation_id", "operation_id", "message_id", "group"}
    assert unbounded.isdisjoint(metric.labels)
