"""Tables of the connections slice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp


class ConnectionRow(Base):
    """One group's credentials for one provider.

    `sealed_credentials` is one JSON document, encrypted for the place `connection:<id>:credentials`. `version` counts
    the credentials: it grows each time they are replaced. An access token that is `used` is renewed at
    `refresh_at`, the refresh token at `keep_alive_at` whether it is used or not.
    """

    __tablename__ = "connection"
    __table_args__ = (
        CheckConstraint("status IN ('created', 'working', 'bad_credentials')", name="status"),
        Index(None, "project_id", "group_id", "provider"),
        Index(None, "project_id", "consumer_id"),
        Index(None, "project_id", "provider"),
        Index(None, "provider_app_id"),
        Index(None, "refresh_at", postgresql_where=text("used AND status <> 'bad_credentials'")),
        Index(None, "keep_alive_at", postgresql_where=text("status <> 'bad_credentials'")),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    provider: Mapped[Id]
    group_id: Mapped[Id] = mapped_column(ForeignKey("customer_group.id", ondelete="CASCADE"))
    consumer_id: Mapped[Id] = mapped_column(ForeignKey("consumer.id"))
    provider_app_id: Mapped[Id | None] = mapped_column(ForeignKey("provider_app.id"))
    auth_scheme: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="created")
    provider_workspace_ref: Mapped[str | None] = mapped_column(Text)
    provider_consumer_ref: Mapped[str | None] = mapped_column(Text)
    provider_metadata: Mapped[dict[str, Any] | None]
    sealed_credentials: Mapped[bytes] = mapped_column(LargeBinary)
    access_token_expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    throttled_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(server_default="1")
    refresh_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    keep_alive_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    used: Mapped[bool] = mapped_column(server_default="false")
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[Timestamp] = mapped_column(server_default=func.now())


class BucketRow(Base):
    """What was taken lately from a limit of the provider's, for one connection.

    `taken` are requests by slots of time, newest first, of which the first is numbered `slot`.
    """

    __tablename__ = "connection_bucket"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    # The connection first: its index is the one that finds them when it is deleted.
    connection_id: Mapped[Id] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[list[Any]]
