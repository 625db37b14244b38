"""One run of an action: its status, progress and logs."""

from conjunct.operations.endpoints import Operations, router
from conjunct.operations.repository import last_operation_status
from conjunct.operations.schemas import BackfillProgress, OperationPage
from conjunct.operations.service import LogLine, NewOperation, OperationService

__all__ = [
    "BackfillProgress",
    "LogLine",
    "NewOperation",
    "OperationPage",
    "OperationService",
    "Operations",
    "last_operation_status",
    "router",
]
