"""Table of revocations that are still to be made."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import Base, Id, Timestamp


class TokenRevocationRow(Base):
    """A grant whose connection is gone and of which the provider has not been told yet.

    `sealed_grant` is one JSON document (tokens, the client that they were made for, the account's inputs), encrypted
    for the place `token_revocation:<id>:grant`. The row goes when the provider has been told, or gives up hearing it.
    """

    __tablename__ = "token_revocation"

    id: Mapped[Id] = mapped_column(primary_key=True)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), index=True)
    connection_id: Mapped[Id]
    provider: Mapped[Id]
    sealed_grant: Mapped[bytes] = mapped_column(LargeBinary)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
