"""Table of provider apps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp


class ProviderAppRow(Base):
    """An OAuth client at a provider. `sealed_secret` is encrypted for the place `provider_app:<id>:client_secret`."""

    __tablename__ = "provider_app"
    __table_args__ = (
        Index(
            "provider_app_registered_key",
            "project_id",
            "provider",
            "client_id",
            "external_ref",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    provider: Mapped[Id]
    external_ref: Mapped[Id | None]
    client_id: Mapped[Id]
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str] | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
