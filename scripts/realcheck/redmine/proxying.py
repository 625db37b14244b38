"""Requests passed through to a real Redmine: its answers come back as it gives them, and its key is not told."""

from __future__ import annotations

import httpx

from scripts.realcheck.judging import require, require_equal
from scripts.realcheck.redmine.platform_under_test import Platform
from scripts.realcheck.redmine.redmine import Redmine


def require_proxy(platform: Platform, redmine: Redmine) -> str:
    """Read, change and be refused through the proxy; a line that tells of it. Raises `CheckFailed`."""
    where = {
        "x-amp-proxy-version": "1",
        "x-amp-project-id": "default",
        "x-amp-integration-name": "redmine-check",
        "x-amp-group-ref": "mill",
    }

    def ask(method: str, path: str, body: object = None) -> httpx.Response:
        return platform.client.request(method, f"/proxy{path}", json=body, headers=where)

    listed = ask("GET", "/issues.json?limit=3&sort=id").json()["issues"]
    own = redmine.get("issues.json", limit="3", sort="id")["issues"]
    require_equal("issues through the proxy", [each["id"] for each in own], [each["id"] for each in listed])
    issue = listed[0]["id"]
    changed = ask("PUT", f"/issues/{issue}.json", {"issue": {"subject": "Passed through"}})
    require_equal("a change through the proxy", 204, changed.status_code)
    require_equal("the changed issue", "Passed through", redmine.get(f"issues/{issue}.json")["issue"]["subject"])
    refused = ask("PUT", f"/issues/{issue}.json", {"issue": {"subject": ""}})
    require_equal("what Redmine refuses", 422, refused.status_code)
    require("errors" in refused.json(), "Redmine's own words did not come back")
    require_equal("a path out of Redmine", 400, ask("GET", "/%2e%2e/issues.json").status_code)
    return "read, changed and refused by Redmine itself"
