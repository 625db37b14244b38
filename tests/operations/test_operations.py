"""An operation as the API tells it: its status, progress, retries and logs, within its project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conjunct.core.database import Database
from conjunct.core.problems import InvalidRequest
from conjunct.operations import LogLine, NewOperation, OperationService
from tests.support.platform import Platform, running_platform
from tests.support.specification import require_specification


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform with one installation, which has no operation but those that a test starts."""
    async with running_platform(database, tmp_path, worker=False) as platform:
        await platform.set_up()
        for operation in await platform.operations():
            async with platform.services.database.transaction() as session:
                await platform.services.operations.finish(
                    session, platform.project_id, operation["id"], status="success", result="made at the install"
                )
        yield platform


async def start(platform: Platform) -> str:
    installation = await platform.send(
        "GET", f"/integrations/{platform.integration}/installations/{platform.installation}", 200
    )
    async with platform.services.database.transaction() as session:
        return await platform.services.operations.start(
            session,
            NewOperation(
                project_id=platform.project_id,
                integration_id=platform.integration,
                installation_id=platform.installation,
                config_id=installation["config"]["id"],
                action_type="read",
                object_name="people",
            ),
        )


async def tell(platform: Platform, operation_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await platform.send("GET", f"/operations/{operation_id}", 200)
    return found


async def page(platform: Platform, **query: Any) -> dict[str, Any]:
    path = f"/integrations/{platform.integration}/installations/{platform.installation}/operations"
    found: dict[str, Any] = await platform.send("GET", path, 200, params=query)
    return found


def test_the_answers_are_checked_against_the_specification() -> None:
    require_specification()


async def test_a_new_operation_is_in_progress(platform: Platform) -> None:
    operation_id = await start(platform)
    told = await tell(platform, operation_id)
    assert told.pop("createTime").endswith("Z")
    assert told.pop("configId")
    assert told == {
        "id": operation_id,
        "projectId": platform.project_id,
        "integrationId": platform.integration,
        "installationId": platform.installation,
        "actionType": "read",
        "status": "in_progress",
        "metadata": {
            "objects": ["people"],
            "progress": {
                "installationId": platform.installation,
                "objectName": "people",
                "operationId": operation_id,
                "recordsProcessed": 0,
            },
        },
    }


async def test_progress_retries_and_the_end_are_told(platform: Platform) -> None:
    operation_id = await start(platform)
    operations = platform.services.operations
    async with platform.services.database.transaction() as session:
        await operations.report_progress(session, platform.project_id, operation_id, processed=7, estimated=9)
        at = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
        await operations.report_retry(session, platform.project_id, operation_id, attempts=2, at=at)
        await operations.finish(session, platform.project_id, operation_id, status="failure", result="It broke.")
    told = await tell(platform, operation_id)
    assert (told["status"], told["result"]) == ("failure", "It broke.")
    assert told["metadata"]["progress"]["recordsProcessed"] == 7
    assert told["metadata"]["progress"]["recordsEstimatedTotal"] == 9
    assert told["metadata"]["retry"] == {"attempts": 2, "lastAttempt": "2026-01-31T09:30:00.000000Z"}


async def test_another_projects_operation_is_neither_found_nor_changed(platform: Platform) -> None:
    operation_id = await start(platform)
    operations = platform.services.operations
    async with platform.services.database.transaction() as session:
        await operations.finish(session, "another", operation_id, status="failure", result="x")
        assert await operations.status(session, "another", operation_id) is None
    assert (await tell(platform, operation_id))["status"] == "in_progress"
    for path in ("/operations/nosuch", "/operations/nosuch/logs"):
        problem = await platform.send("GET", path, 404)
        assert problem["type"] == "https://conjunct.dev/problems/operation-not-found"
        assert problem["detail"] == "There is no operation 'nosuch' in this project."


async def test_logs_are_the_newest_thousand_oldest_first(platform: Platform) -> None:
    operation_id = await start(platform)
    assert await platform.send("GET", f"/operations/{operation_id}/logs", 200) == []
    lines = [LogLine("INFO", f"line {number}") for number in range(1001)]
    lines.append(LogLine("ERROR", "the last", error="it broke\x00", details={"page": "3", "id": "a\x00\ud800"}))
    async with platform.services.database.transaction() as session:
        await platform.services.operations.log(session, platform.project_id, operation_id, lines)
        await platform.services.operations.log(session, platform.project_id, operation_id, [])
    logs = await platform.send("GET", f"/operations/{operation_id}/logs", 200)
    assert [log["message"]["msg"] for log in logs] == [line.msg for line in lines[2:]]
    assert logs[-1]["severity"] == "ERROR"
    assert logs[-1]["message"] == {
        "msg": "the last",
        "operation_id": operation_id,
        "error": "it broke\ufffd",
        "details": {"page": "3", "id": "a\ufffd?"},
    }


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_pages_hold_every_operation_once_newest_first(platform: Platform, size: int) -> None:
    for _ in range(5):
        await start(platform)
    everything = [operation["id"] for operation in (await page(platform))["results"]]
    assert everything == sorted(everything, reverse=True)
    assert len(everything) >= 5
    found: list[str] = []
    query: dict[str, Any] = {"pageSize": size}
    while True:
        told = await page(platform, **query)
        assert len(told["results"]) <= size
        found += [operation["id"] for operation in told["results"]]
        if told["pagination"]["done"]:
            break
        query["pageToken"] = told["pagination"]["nextPageToken"]
    assert found == everything


async def test_a_page_token_of_another_list_is_refused(platform: Platform, database: Database) -> None:
    await start(platform)
    await start(platform)
    token = (await page(platform, pageSize=1))["pagination"]["nextPageToken"]
    service: OperationService = platform.services.operations
    path = f"/integrations/{platform.integration}/installations/{platform.installation}/operations"
    for bad in (token[:-2], token + "x", "nonsense"):
        problem = await platform.send("GET", path, 400, params={"pageToken": bad})
        assert problem["detail"] == "The page token is not valid."
        assert [(issue["in"], issue["name"]) for issue in problem["issues"]] == [("query", "pageToken")]
    async with database.reading() as connection:
        with pytest.raises(InvalidRequest, match="page token is not valid"):
            await service.list_page(connection, platform.project_id, "another", size=1, token=token)
