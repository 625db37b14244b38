"""Tables of the installations slice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, DateTime, ForeignKey, Index, PrimaryKeyConstraint, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp
from conjunct.kit.ids import new_id


class InstallationRow(Base):
    """An integration bound to a group. `config_id` names the config that is in force."""

    __tablename__ = "installation"
    __table_args__ = (
        UniqueConstraint("integration_id", "group_id"),
        Index(None, "project_id", "id"),
        Index(None, "group_id"),
        Index(None, "connection_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    integration_id: Mapped[Id] = mapped_column(ForeignKey("integration.id", ondelete="CASCADE"))
    group_id: Mapped[Id] = mapped_column(ForeignKey("customer_group.id", ondelete="CASCADE"))
    connection_id: Mapped[Id] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"))
    # Without a foreign key: the two tables would need each other, and a config is never deleted alone.
    config_id: Mapped[Id]
    created_by: Mapped[str] = mapped_column(Text)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ConfigRow(Base):
    """What a group chose, for one revision. Never changed: each change makes another row.

    `retained` holds read objects that the revision no longer has but this installation still reads (see `following`);
    `destinations` the names of those that its objects deliver to.
    """

    __tablename__ = "config"
    __table_args__ = (Index(None, "installation_id"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    installation_id: Mapped[Id] = mapped_column(ForeignKey("installation.id", ondelete="CASCADE"))
    project_id: Mapped[Id]
    revision_id: Mapped[Id]
    content: Mapped[dict[str, Any]]
    retained: Mapped[list[Any]]
    destinations: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[str] = mapped_column(Text)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())


class TroubleRow(Base):
    """Something that makes an installation unhealthy as long as the row is there (see `health`)."""

    __tablename__ = "installation_trouble"
    __table_args__ = (PrimaryKeyConstraint("installation_id", "object_name", "kind"),)

    installation_id: Mapped[Id] = mapped_column(ForeignKey("installation.id", ondelete="CASCADE"))
    object_name: Mapped[Id]
    kind: Mapped[Id]
    project_id: Mapped[Id]
    detail: Mapped[str] = mapped_column(Text)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
