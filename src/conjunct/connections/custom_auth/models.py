"""Table of the sessions of custom authentication."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp


class CustomAuthSessionRow(Base):
    """A customer who is on their way through the steps of a provider.

    `session_digest` is the SHA-256 of the session's id, which only the caller has. `position` is the step to be taken
    next. `sealed_values` is a JSON document of what is known so far, for the place
    `custom_auth_session:<digest>:values`; `sealed_link_token`, for `custom_auth_session:<digest>:link`, is the way back
    to the hosted link that it began on. `state_digest` is that of the state that a browser carries, while one is at the
    provider. `claim` is the call that is at work on the session, until `claim_until`. `opener_origin` is the origin of
    the page that began.
    """

    __tablename__ = "custom_auth_session"
    __table_args__ = (Index(None, "project_id", "expire_time"),)

    session_digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    provider: Mapped[Id]
    provider_app_id: Mapped[Id | None] = mapped_column(ForeignKey("provider_app.id", ondelete="CASCADE"), index=True)
    group_ref: Mapped[Id]
    group_name: Mapped[str | None] = mapped_column(Text)
    consumer_ref: Mapped[Id]
    consumer_name: Mapped[str | None] = mapped_column(Text)
    provider_workspace_ref: Mapped[str | None] = mapped_column(Text)
    provider_metadata: Mapped[dict[str, Any] | None]
    opener_origin: Mapped[str | None] = mapped_column(Text)
    position: Mapped[int]
    sealed_values: Mapped[bytes] = mapped_column(LargeBinary)
    state_digest: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    claim: Mapped[str | None] = mapped_column(Text)
    claim_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    connect_link_id: Mapped[Id | None] = mapped_column(ForeignKey("connect_link.id", ondelete="CASCADE"), index=True)
    sealed_link_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    expire_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
