"""Fault rules: how they are written, and which requests they hit."""

from __future__ import annotations

import pytest

from conjunct.simulators.errors import InvalidOption
from conjunct.simulators.faults import FaultPlan, FaultRule, parse_rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("500:0.01", FaultRule("500", probability=0.01)),
        ("429@page=5", FaultRule("429", unit="page", position=5)),
        ("503@request=2", FaultRule("503", unit="request", position=2)),
        ("timeout:0.001", FaultRule("timeout", probability=0.001)),
        ("reset:1", FaultRule("reset", probability=1.0)),
        (" html:.5 ", FaultRule("html", probability=0.5)),
        ("truncate@page=3", FaultRule("truncate", unit="page", position=3)),
    ],
)
def test_a_rule_is_read(text, rule):
    assert parse_rule(text) == rule


@pytest.mark.parametrize("text", ["", "500", "200:0.5", "500:", "500:1.5", "429@page=0", "429@day=1", "flood:0.1"])
def test_a_rule_that_makes_no_sense_is_refused_with_the_grammar_or_the_bound(text):
    with pytest.raises(InvalidOption, match=r"KIND|at most 1"):
        parse_rule(text)


def _hits(plan: FaultPlan, requests: int) -> list[int]:
    return [number for number in range(1, requests + 1) if plan.next(page=False)]


def test_a_probability_hits_about_that_share_and_the_same_requests_in_every_run():
    first, second = _hits(FaultPlan(["500:0.1"], seed=3), 2000), _hits(FaultPlan(["500:0.1"], seed=3), 2000)
    assert first == second
    assert 140 < len(first) < 260


def test_another_seed_hits_other_requests():
    assert _hits(FaultPlan(["500:0.1"], seed=3), 500) != _hits(FaultPlan(["500:0.1"], seed=4), 500)


def test_a_page_position_counts_pages_only_and_hits_once():
    plan = FaultPlan(["429@page=2"], seed=1)
    kinds = [plan.next(page=page) for page in (False, True, False, True, False, True)]
    assert [fault and fault.kind for fault in kinds] == [None, None, None, "429", None, None]


def test_a_request_position_counts_every_request():
    plan = FaultPlan(["503@request=2"], seed=1)
    assert [bool(plan.next(page=page)) for page in (True, False, True)] == [False, True, False]


def test_the_first_rule_that_hits_wins():
    plan = FaultPlan(["500@request=1", "reset:1"], seed=1)
    assert [fault.kind for fault in (plan.next(page=False), plan.next(page=False)) if fault] == ["500", "reset"]


def test_new_rules_count_from_the_beginning_and_reset_brings_back_the_first_ones():
    plan = FaultPlan(["500@request=1"], seed=1)
    assert plan.next(page=False)
    plan.set(["404@request=1"])
    assert plan.next(page=False) == FaultRule("404", unit="request", position=1)
    plan.reset()
    assert plan.next(page=False) == FaultRule("500", unit="request", position=1)


def test_bad_rules_leave_the_old_ones_in_place():
    plan = FaultPlan(["500:1"], seed=1)
    with pytest.raises(InvalidOption):
        plan.set(["nonsense"])
    assert plan.texts == ("500:1",)
    assert plan.next(page=False)
