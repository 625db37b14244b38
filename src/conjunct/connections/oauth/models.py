"""Table of the OAuth flows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp


class OAuthFlowRow(Base):
    """A flow that a customer was sent into and has not come back from.

    `state_digest` is the SHA-256 of the `state` that the browser carries; the row is deleted by whoever brings that
    back, so that it works once. `sealed_verifier` is PKCE's, encrypted for the place `oauth_flow:<digest>:verifier`;
    `sealed_link_token`, for `oauth_flow:<digest>:link`, is the way back to the hosted link that it began on.
    """

    __tablename__ = "oauth_flow"
    __table_args__ = (Index(None, "project_id", "expire_time"),)

    state_digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    provider: Mapped[Id]
    provider_app_id: Mapped[Id] = mapped_column(ForeignKey("provider_app.id", ondelete="CASCADE"), index=True)
    connection_id: Mapped[Id | None] = mapped_column(ForeignKey("connection.id", ondelete="CASCADE"), index=True)
    group_ref: Mapped[Id]
    group_name: Mapped[str | None] = mapped_column(Text)
    consumer_ref: Mapped[Id]
    consumer_name: Mapped[str | None] = mapped_column(Text)
    provider_workspace_ref: Mapped[str | None] = mapped_column(Text)
    provider_metadata: Mapped[dict[str, Any] | None]
    scopes: Mapped[list[str]]
    redirect_uri: Mapped[str] = mapped_column(Text)
    sealed_verifier: Mapped[bytes | None] = mapped_column(LargeBinary)
    connect_link_id: Mapped[Id | None] = mapped_column(ForeignKey("connect_link.id", ondelete="CASCADE"), index=True)
    sealed_link_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    expire_time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
