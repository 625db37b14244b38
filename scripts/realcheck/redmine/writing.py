"""Writes to a real Redmine: an issue is made, changed and deleted as a builder asks, and Redmine shows it."""

from __future__ import annotations

from typing import Any

from scripts.realcheck.judging import require, require_equal
from scripts.realcheck.redmine.platform_under_test import Platform
from scripts.realcheck.redmine.redmine import Redmine

ISSUES = "/integrations/redmine-check/objects/issues"


def require_writes(platform: Platform, redmine: Redmine, *, project: int) -> str:
    """Create, update and delete an issue by the names that it is read under; a line that tells of it.

    Raises `CheckFailed`.
    """

    def write(type_: str, **record: Any) -> dict[str, Any]:
        body = {"groupRef": "mill", "type": type_, "record": record}
        answer: dict[str, Any] = platform.call("POST", ISSUES, body, surface="/write")
        require(answer["result"]["success"], f"the {type_} answered {answer}")
        result: dict[str, Any] = answer["result"]
        return result

    made = write("create", title="Grease the axle", project_id=project, estimated_hours=1.5)["recordId"]
    there = redmine.get(f"issues/{made}.json")["issue"]
    values = (there["subject"], there["project"]["id"], there["estimated_hours"])
    require_equal("the new issue", ("Grease the axle", project, 1.5), values)
    write("update", id=made, title="Grease both axles")
    require_equal("the changed issue", "Grease both axles", redmine.get(f"issues/{made}.json")["issue"]["subject"])
    refused = platform.ask("POST", ISSUES, {"groupRef": "mill", "type": "create", "record": {"title": ""}}, "/write")
    require_equal("an issue without a project", 422, refused.status_code)
    write("delete", id=made)
    require_equal("the deleted issue", 404, redmine.client.get(f"issues/{made}.json").status_code)
    return "an issue made, changed and deleted; one refused in Redmine's words"
