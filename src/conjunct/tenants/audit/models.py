"""The table of the audit log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp
from conjunct.kit.ids import new_id


class AuditEntryRow(Base):
    """A change: who made it, by which action, to what. Never changed; without foreign keys, as it outlives them all.

    A change that is about no project, but about an org and its people, has its `org_id` alone.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "project_id", "id"), Index(None, "org_id", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id | None]
    org_id: Mapped[Id | None]
    time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    actor: Mapped[Id]
    action: Mapped[Id]
    resource_kind: Mapped[Id]
    resource_id: Mapped[Id | None]
    request_id: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[dict[str, Any]]
