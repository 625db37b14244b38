"""What holds answers against the specification notices what is wrong with one."""

from __future__ import annotations

import pytest

from tests.api.conformance.operations import specified_operations
from tests.support.specification import require_specification

JSON = "application/json"
TOPIC = b'{"id": "t", "name": "alerts", "projectId": "p", "createTime": "2026-01-31T09:30:00Z"}'
PROBLEM = b'{"type": "about:blank", "title": "No", "status": 404, "detail": "No."}'


@pytest.mark.parametrize(
    ("status", "content_type", "body", "fault"),
    [
        (201, JSON, TOPIC, None),
        (404, "application/problem+json", PROBLEM, None),
        (202, JSON, TOPIC, "there is no answer 202"),
        (201, "text/plain", TOPIC, "not text/plain"),
        (201, JSON, b'{"id": "t"}', "'name' is a required property"),
        (201, JSON, TOPIC.replace(b"2026-01-31T09:30:00Z", b"yesterday"), "is not a 'date-time'"),
        (404, JSON, PROBLEM, "not application/json"),
        (404, "application/problem+json", b'{"status": "404"}', "is not of type 'integer'"),
    ],
)
def test_every_fault_of_an_answer_is_named(status: int, content_type: str, body: bytes, fault: str | None) -> None:
    require_specification()
    found = list(specified_operations()["createTopic"].faults_of(status, content_type, body))
    assert found == [] if fault is None else any(fault in each for each in found)


def test_a_body_where_there_is_none_is_a_fault() -> None:
    require_specification()
    assert list(specified_operations()["deleteTopic"].faults_of(204, JSON, TOPIC))
