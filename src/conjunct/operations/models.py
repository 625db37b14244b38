"""Tables of the operations slice."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, false, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import HISTORY, Base, Id, Timestamp
from conjunct.kit.ids import new_id


class OperationRow(Base):
    """One run of an action. `status` is `in_progress`, `success` or `failure`.

    `lasting` ones are kept however old they are. Its installation is the only other row that it refers to: each
    further reference would be checked, and the row that it names be locked, by every run of every installation.
    """

    __tablename__ = "operation"
    __table_args__ = (Index(None, "installation_id", "id"), {"postgresql_with": {**HISTORY, "fillfactor": 80}})

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id]
    integration_id: Mapped[Id]
    installation_id: Mapped[Id] = mapped_column(ForeignKey("installation.id", ondelete="CASCADE"))
    config_id: Mapped[Id]
    action_type: Mapped[Id]
    object_name: Mapped[Id]
    status: Mapped[Id]
    result: Mapped[str | None] = mapped_column(Text)
    records_processed: Mapped[int] = mapped_column(BigInteger, default=0)
    records_estimated_total: Mapped[int | None] = mapped_column(BigInteger)
    retry_attempts: Mapped[int] = mapped_column(default=0)
    last_attempt: Mapped[Timestamp | None]
    lasting: Mapped[bool] = mapped_column(server_default=false())
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[Timestamp] = mapped_column(server_default=func.now())


class OperationLogRow(Base):
    """A line of an operation's log, in words that a builder can act on."""

    __tablename__ = "operation_log"
    __table_args__ = (Index(None, "operation_id", "id"), {"postgresql_with": HISTORY})

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    project_id: Mapped[Id]
    operation_id: Mapped[Id] = mapped_column(ForeignKey("operation.id", ondelete="CASCADE"))
    timestamp: Mapped[Timestamp] = mapped_column(server_default=func.clock_timestamp())
    severity: Mapped[Id]
    message: Mapped[dict[str, Any]]
