"""Operations as the actions use them: start, report, finish, explain."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.core.encryption import DerivedKeys
from conjunct.core.problems import InvalidRequest, Issue, NotFound
from conjunct.kit import page_tokens
from conjunct.kit.ids import new_id
from conjunct.operations.repository import OperationRepository

ActionType = Literal["read", "write", "subscribe", "proxy"]
Severity = Literal["INFO", "WARNING", "ERROR"]

MAX_LOGS = 1000


class OperationNotFound(NotFound):
    """There is no such operation in the project."""

    slug = "operation-not-found"
    title = "There is no such operation"


@dataclass(frozen=True, slots=True)
class NewOperation:
    """An operation to start; `object_name` is what the builder calls the object. A `lasting` one is never too old."""

    project_id: str
    integration_id: str
    installation_id: str
    config_id: str
    action_type: ActionType
    object_name: str
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of an operation's log. `details` are shown beside the message; put no secrets into them."""

    severity: Severity
    msg: str
    error: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


class OperationService:
    """One run of an action: its status, progress and logs."""

    def __init__(self, token_keys: DerivedKeys) -> None:
        self._token_keys = token_keys

    async def start(self, session: AsyncSession, operation: NewOperation) -> str:
        """Make an operation in progress; returns its id."""
        operation_id = new_id()
        await OperationRepository(session).add(
            id=operation_id,
            project_id=operation.project_id,
            integration_id=operation.integration_id,
            installation_id=operation.installation_id,
            config_id=operation.config_id,
            action_type=operation.action_type,
            object_name=operation.object_name,
            lasting=operation.lasting,
            status="in_progress",
        )
        return operation_id

    async def report_progress(
        self,
        session: AsyncSession,
        project_id: str,
        operation_id: str,
        *,
        processed: int,
        estimated: int | None,
        succeeded: str | None = None,
    ) -> None:
        """Set how many records are processed, of how many; and end it well with a summary, when it has `succeeded`."""
        end = {} if succeeded is None else {"status": "success", "result": _kept(succeeded)}
        await OperationRepository(session).change(
            project_id, operation_id, records_processed=processed, records_estimated_total=estimated, **end
        )

    async def report_retry(
        self, session: AsyncSession, project_id: str, operation_id: str, *, attempts: int, at: datetime
    ) -> None:
        """Set how often the operation has been tried again, and when last."""
        await OperationRepository(session).change(project_id, operation_id, retry_attempts=attempts, last_attempt=at)

    async def finish(
        self,
        session: AsyncSession,
        project_id: str,
        operation_id: str,
        *,
        status: Literal["success", "failure"],
        result: str,
    ) -> None:
        """End the operation with a summary for people."""
        await OperationRepository(session).change(project_id, operation_id, status=status, result=_kept(result))

    async def status(self, session: AsyncSession, project_id: str, operation_id: str) -> str | None:
        """The operation's status; None when there is no such operation."""
        return await OperationRepository(session).status(project_id, operation_id)

    async def log(self, session: AsyncSession, project_id: str, operation_id: str, lines: Sequence[LogLine]) -> None:
        """Add lines to the operation's log."""
        if not lines:
            return
        await OperationRepository(session).add_logs(
            [
                {
                    "project_id": project_id,
                    "operation_id": operation_id,
                    "severity": line.severity,
                    "message": _message(operation_id, line),
                }
                for line in lines
            ]
        )

    async def get(self, connection: AsyncConnection, project_id: str, operation_id: str) -> str:
        """The operation as JSON of the specification."""
        found: str | None = await OperationRepository(connection).get_json(project_id, operation_id)
        if found is None:
            raise _not_found(operation_id)
        return found

    async def latest_reads(
        self, session: AsyncSession, project_id: str, installation_id: str, object_names: Collection[str]
    ) -> dict[str, tuple[str, str, datetime]]:
        """Id, status and beginning of the newest read of each object of an installation, by its delivered name.

        One that lies behind very many other operations of the installation is not told.
        """
        return await OperationRepository(session).latest_reads(project_id, installation_id, object_names)

    async def progress(self, connection: AsyncConnection | AsyncSession, project_id: str, operation_id: str) -> str:
        """The operation's progress as JSON of the specification's `BackfillProgress`."""
        found = await OperationRepository(connection).progress_json(project_id, operation_id)
        if found is None:
            raise _not_found(operation_id)
        return found

    async def logs(self, connection: AsyncConnection, project_id: str, operation_id: str) -> str:
        """The operation's newest log lines, oldest first, as JSON of the specification."""
        repository = OperationRepository(connection)
        if await repository.status(project_id, operation_id) is None:
            raise _not_found(operation_id)
        return await repository.logs_json(project_id, operation_id, MAX_LOGS)

    async def list_page(
        self,
        connection: AsyncConnection | AsyncSession,
        project_id: str,
        installation_id: str,
        *,
        size: int,
        token: str | None,
    ) -> str:
        """One page of an installation's operations, newest first, as JSON of the specification."""
        scope = f"operations/{project_id}/{installation_id}"
        before = None
        if token:
            try:
                before = str(page_tokens.decode(token, keys=self._token_keys.all, scope=scope)[0])
            except (ValueError, IndexError):
                issue = Issue("pageToken", "is not a token of this list", location="query", value=token[:100])
                raise InvalidRequest(
                    "The page token is not valid.",
                    remedy="Pass the nextPageToken of the previous answer, unchanged.",
                    issues=[issue],
                ) from None
        repository = OperationRepository(connection)
        page, count, last = await repository.page_json(project_id, installation_id, before=before, limit=size)
        if count < size or last is None:
            return f'{{"results":{page},"pagination":{{"done":true}}}}'
        next_token = page_tokens.encode([last], key=self._token_keys.current, scope=scope)
        return f'{{"results":{page},"pagination":{{"done":false,"nextPageToken":"{next_token}"}}}}'


def _message(operation_id: str, line: LogLine) -> dict[str, Any]:
    message: dict[str, Any] = {"msg": _kept(line.msg), "operation_id": operation_id}
    if line.error is not None:
        message["error"] = _kept(line.error)
    if line.details:
        message["details"] = {name: _kept(value) for name, value in line.details.items()}
    return message


def _kept(text: str) -> str:
    """As Postgres keeps it. Ids may hold anything, and what a run has done must not be lost for the words about it."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _not_found(operation_id: str) -> OperationNotFound:
    return OperationNotFound(f"There is no operation {operation_id!r} in this project.")
