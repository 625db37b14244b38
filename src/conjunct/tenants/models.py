"""Tables of the tenants slice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, DateTime, ForeignKey, LargeBinary, Text, UniqueConstraint, func
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
    """A project: an environment that holds everything else.

    `frontend_access` names what `frontend` keys and customers' JWTs may do besides: `proxy`, `write`.
    """

    __tablename__ = "project"
    __table_args__ = (UniqueConstraint("org_id", "name"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[Id] = mapped_column(ForeignKey("org.id"))
    name: Mapped[str] = mapped_column(Text)
    app_name: Mapped[str] = mapped_column(Text)
    frontend_access: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ProjectKeyRow(Base):
    """A project's data key, wrapped by a master key. The newest one that is active encrypts; older ones still open.

    `rotation_id` is the rotation that made it, if one did.
    """

    __tablename__ = "project_key"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    active_at: Mapped[Timestamp] = mapped_column(server_default=func.now())
    rotation_id: Mapped[Id | None]


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


class JwtKeyRow(Base):
    """The public half of a key with which a builder signs customers' tokens; its id is the `kid`."""

    __tablename__ = "jwt_key"

    id: Mapped[Id] = mapped_column(primary_key=True)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(Text)
    algorithm: Mapped[str] = mapped_column(Text)
    public_key_pem: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[Timestamp] = mapped_column(server_default=func.now())


class BuilderRow(Base):
    """A person who builds integrations, in one org at most; `role` is what they are there."""

    __tablename__ = "builder"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    org_id: Mapped[Id | None] = mapped_column(ForeignKey("org.id", ondelete="SET NULL"), index=True)
    role: Mapped[Id | None]
    email: Mapped[Id] = mapped_column(unique=True)
    idp_provider: Mapped[str] = mapped_column(Text)
    idp_ref: Mapped[str] = mapped_column(Text)
    first_name: Mapped[str | None] = mapped_column(Text)
    last_name: Mapped[str | None] = mapped_column(Text)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())


class BuilderTokenRow(Base):
    """A builder's token: its SHA-256 for look-up."""

    __tablename__ = "builder_token"

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    builder_id: Mapped[Id] = mapped_column(ForeignKey("builder.id", ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    prefix: Mapped[str] = mapped_column(Text)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    expire_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


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
