"""Table of the hosted links."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp


class ConnectLinkRow(Base):
    """A link. `token_digest` is the SHA-256 of the token in its URL; the token itself is kept nowhere.

    `connect_time` says that it is used up; `error` is how the last attempt ended, if it did not connect.
    """

    __tablename__ = "connect_link"
    __table_args__ = (Index(None, "project_id", "id"), Index("connect_link_sweep_idx", "project_id", "expire_time"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    token_digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    providers: Mapped[list[str]]
    provider_app_id: Mapped[Id | None] = mapped_column(ForeignKey("provider_app.id", ondelete="CASCADE"), index=True)
    group_ref: Mapped[Id]
    group_name: Mapped[str | None] = mapped_column(Text)
    consumer_ref: Mapped[Id]
    consumer_name: Mapped[str | None] = mapped_column(Text)
    return_url: Mapped[str | None] = mapped_column(Text)
    connection_id: Mapped[Id | None] = mapped_column(ForeignKey("connection.id", ondelete="SET NULL"), index=True)
    connect_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str | None] = mapped_column(Text)
    create_time: Mapped[Timestamp]
    expire_time: Mapped[Timestamp]
