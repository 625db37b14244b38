"""Operations on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Progress(_Wire):
    """Records read so far, and of how many where the provider tells."""

    installation_id: str
    object_name: str
    operation_id: str
    records_processed: int
    records_estimated_total: int | None = None


class Retry(_Wire):
    """How often the operation was tried again, and when last."""

    attempts: int
    last_attempt: datetime | None = None


class OperationMetadata(_Wire):
    """What an operation worked on."""

    objects: list[str]
    retry: Retry | None = None
    progress: Progress | None = None


class Operation(_Wire):
    """One run of an action for an installation."""

    id: str
    project_id: str
    integration_id: str
    installation_id: str
    config_id: str
    action_type: str
    status: str
    result: str | None = None
    metadata: OperationMetadata
    create_time: datetime


class Pagination(_Wire):
    """Whether more pages follow, and how to ask for the next."""

    done: bool
    next_page_token: str | None = None


class OperationPage(_Wire):
    """A page of operations, newest first."""

    results: list[Operation]
    pagination: Pagination


class Log(_Wire):
    """A line of an operation's log."""

    timestamp: datetime
    severity: str
    message: dict[str, Any]


class BackfillProgress(Progress):
    """How far an object's backfill has come."""

    create_time: datetime
    update_time: datetime
