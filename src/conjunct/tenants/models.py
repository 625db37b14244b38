"""Tables of the tenants slice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, LargeBinary, Text, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp
from conjunct.kit.ids import new_id


class OrgRow(Base):
    """An organisation: it has builders and projects."""

    __tablename__ = "org"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    label: Mapped[str] = mapped_column(Text)
    default_team_id: Mapped[Id] = mapped_column(default=new_id)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ProjectRow(Base):
    """A project: an environment that holds everything else."""

    __tablename__ = "project"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[Id] = mapped_column(ForeignKey("org.id"), index=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    app_name: Mapped[str] = mapped_column(Text)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ProjectKeyRow(Base):
    """A project's data key, wrapped by a master key. The newest one encrypts; older ones still open."""

    __tablename__ = "project_key"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())


class ApiKeyRow(Base):
    """An API key: its SHA-256 for look-up and its encrypted text for display."""

    __tablename__ = "api_key"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    prefix: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    label: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(default=True)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())


class GroupRow(Base):
    """A customer of the builder, under the builder's own reference."""

    __tablename__ = "customer_group"
    __table_args__ = (UniqueConstraint("project_id", "group_ref"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    group_ref: Mapped[Id]
    group_name: Mapped[str] = mapped_column(Text)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ConsumerRow(Base):
    """A person at a customer, under the builder's own reference."""

    __tablename__ = "consumer"
    __table_args__ = (UniqueConstraint("project_id", "consumer_ref"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    consumer_ref: Mapped[Id]
    consumer_name: Mapped[str] = mapped_column(Text)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
