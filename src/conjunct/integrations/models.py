"""Tables of the integrations slice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp
from conjunct.kit.ids import new_id


class IntegrationRow(Base):
    """A named entry of the manifest. `latest_revision_id` names the revision that installations follow."""

    __tablename__ = "integration"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    name: Mapped[Id]
    provider: Mapped[str] = mapped_column(Text)
    # Without a foreign key: the two tables would need each other, and a revision is never deleted alone.
    latest_revision_id: Mapped[Id]
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RevisionRow(Base):
    """What an integration was from one deploy to the next. Never changed; `number` counts from 1.

    `destructive` says whether the deploy was to stop reads of the objects that it removed; `created_by` is the actor
    who deployed it.
    """

    __tablename__ = "revision"
    __table_args__ = (UniqueConstraint("integration_id", "number"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    integration_id: Mapped[Id] = mapped_column(ForeignKey("integration.id", ondelete="CASCADE"))
    project_id: Mapped[Id]
    number: Mapped[int]
    spec_version: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]]
    destructive: Mapped[bool]
    created_by: Mapped[str] = mapped_column(Text)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
