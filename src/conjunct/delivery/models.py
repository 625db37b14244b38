"""Tables of delivery.

On the happy path only attempts are written, and they hold no customer data. A message that could not be delivered is
kept, compressed and encrypted, until it is delivered or its time is over.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from conjunct.core.database import HISTORY, Base, Id, Timestamp
from conjunct.kit.ids import new_id


class DestinationRow(Base):
    """Where results go.

    `sealed_secrets` is encrypted JSON: `secrets` as the type keeps them, and the `metadata` that may hold
    credentials, such as a webhook's headers. `rate_per_second`, `ordered` and `keep_hours` are its terms, and the
    columns from `state` on its health.
    """

    __tablename__ = "destination"
    __table_args__ = (
        UniqueConstraint("project_id", "name"),
        CheckConstraint("state in ('enabled', 'disabled')", name="state"),
        Index(
            "destination_trouble_idx",
            "state",
            postgresql_where=text("state = 'disabled' or breaker_open_until is not null"),
        ),
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    name: Mapped[Id]
    type: Mapped[str] = mapped_column(Text)
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    sealed_secrets: Mapped[bytes] = mapped_column(LargeBinary)
    create_time: Mapped[Timestamp] = mapped_column(server_default=func.now())
    update_time: Mapped[Timestamp | None]
    rate_per_second: Mapped[int | None]
    ordered: Mapped[bool] = mapped_column(server_default=text("false"))
    keep_hours: Mapped[int] = mapped_column(server_default=text("0"))
    state: Mapped[str] = mapped_column(Text, server_default="enabled")
    disabled_reason: Mapped[str | None] = mapped_column(Text)
    disabled_at: Mapped[Timestamp | None]
    failing_since: Mapped[Timestamp | None]
    consecutive_failures: Mapped[int] = mapped_column(server_default=text("0"))
    breaker_openings: Mapped[int] = mapped_column(server_default=text("0"))
    breaker_open_until: Mapped[Timestamp | None]
    breaker_probe_until: Mapped[Timestamp | None]


class DeliveryMessageRow(Base):
    """A message not delivered yet. The `state` is one of

    - `pending`: to be tried at `next_at`; without it, its destination is disabled and it waits to be recovered;
    - `exhausted`: given up after its last attempt, and waits to be recovered;
    - `held`: waits to be asked for; `hold` names what it is held in, and `place` tells the order there.

    It is removed when it is delivered, or after `expires_at`. `body` is compressed, then encrypted. `number` grows in
    the order in which the messages of one producer were kept; those of one `ordering_key` belong in that order.
    """

    __tablename__ = "delivery_message"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "id"),
        CheckConstraint("state in ('pending', 'exhausted', 'held')", name="state"),
        Index(
            "delivery_message_spool_idx",
            "project_id",
            "destination_id",
            "ordering_key",
            "number",
            postgresql_include=["size"],
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "delivery_message_hold_idx",
            "project_id",
            "hold",
            "place",
            postgresql_include=["size"],
            postgresql_where=text("state = 'held'"),
        ),
        Index("delivery_message_destination_idx", "destination_id", "create_time"),
        Index("delivery_message_expires_at_idx", "expires_at", postgresql_where=text("expires_at is not null")),
    )

    id: Mapped[Id]
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    destination_id: Mapped[Id] = mapped_column(ForeignKey("destination.id", ondelete="CASCADE"))
    operation_id: Mapped[Id | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]
    records: Mapped[int]
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    next_at: Mapped[Timestamp | None]
    expires_at: Mapped[Timestamp | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    create_time: Mapped[Timestamp]
    restart_time: Mapped[Timestamp | None]
    hold: Mapped[Id | None]
    place: Mapped[int | None] = mapped_column(BigInteger)
    ordering_key: Mapped[Id] = mapped_column(server_default="")
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))


class DeliveryHoldRow(Base):
    """What messages are held in until they are asked for.

    `owed` were asked for and were not there; whatever comes pays that first. `last_place` is that of the newest
    message.
    """

    __tablename__ = "delivery_hold"
    __table_args__ = (PrimaryKeyConstraint("project_id", "name"),)

    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    name: Mapped[Id]
    owed: Mapped[int] = mapped_column(BigInteger)
    last_place: Mapped[int] = mapped_column(BigInteger)


class DeliveryKeptRow(Base):
    """A message that can be pulled from a destination's feed for its `keep_hours`, whatever became of it otherwise.

    `number` grows in the order in which one producer kept its messages. `place` is where the message stands in the
    feed; it gets one only when its transaction has ended, so that what is committed late never stands before what was
    pulled already. `body` is as in `delivery_message`.
    """

    __tablename__ = "delivery_kept"
    __table_args__ = (
        PrimaryKeyConstraint("project_id", "id"),
        Index(
            "delivery_kept_place_idx",
            "project_id",
            "destination_id",
            "place",
            postgresql_include=["size"],
            postgresql_where=text("place is not null"),
        ),
        Index(
            "delivery_kept_number_idx",
            "project_id",
            "destination_id",
            "number",
            postgresql_include=["size"],
            postgresql_where=text("place is null"),
        ),
        Index("delivery_kept_destination_idx", "destination_id"),
    )

    id: Mapped[Id]
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    destination_id: Mapped[Id] = mapped_column(ForeignKey("destination.id", ondelete="CASCADE"))
    operation_id: Mapped[Id | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]
    records: Mapped[int]
    ordering_key: Mapped[Id]
    create_time: Mapped[Timestamp]
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    place: Mapped[int | None] = mapped_column(BigInteger)


class DeliveryFeedRow(Base):
    """How far a destination's feed has come, as places in it: the newest, the newest removed, and the newest that a
    reader has gone on from. The row is locked to give places and to remove.
    """

    __tablename__ = "delivery_feed"

    destination_id: Mapped[Id] = mapped_column(ForeignKey("destination.id", ondelete="CASCADE"), primary_key=True)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    last_place: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    removed_place: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    pulled_place: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class DeliveryBucketRow(Base):
    """How many messages went out lately, of a project (`name` is empty) or to one destination (its id).

    `taken` counts them by slots of time, of which the newest is `slot`.
    """

    __tablename__ = "delivery_bucket"
    __table_args__ = (PrimaryKeyConstraint("project_id", "name"), {"postgresql_with": {"fillfactor": 50}})

    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    name: Mapped[Id]
    slot: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[list[Any]]


class DeliveryAttemptRow(Base):
    """One try at a message. Without foreign keys: rows are many, only added, and removed by age.

    `error` is null where it was delivered. `latency_ms` goes from the message's first handing over to the end of this
    try, `bytes` is the length of the body as it was sent.
    """

    __tablename__ = "delivery_attempt"
    __table_args__ = (
        Index("delivery_attempt_message_idx", "project_id", "message_id"),
        Index("delivery_attempt_destination_idx", "destination_id", "at"),
        Index("delivery_attempt_failed_idx", "destination_id", "at", postgresql_where=text("error is not null")),
        Index("delivery_attempt_operation_idx", "operation_id", postgresql_where=text("operation_id is not null")),
        {"postgresql_with": HISTORY},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    project_id: Mapped[Id]
    destination_id: Mapped[Id]
    operation_id: Mapped[Id | None]
    message_id: Mapped[Id]
    number: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    elapsed_ms: Mapped[int]
    latency_ms: Mapped[int]
    records: Mapped[int]
    bytes: Mapped[int]
    at: Mapped[Timestamp]


class DeliveryRecoveryRow(Base):
    """A call to try again what was given up or set aside for a destination, which a job works off in batches.

    It goes through messages made from `since` until before `until`, in the order in which they were kept; (`past_time`,
    `past_number`) is how far it has come, (`batch_time`, `batch_number`) where its last batch began. `exhausted`: also
    those that were given up. `messages` were there when it was asked for.
    """

    __tablename__ = "delivery_recovery"
    __table_args__ = (Index(None, "destination_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    destination_id: Mapped[Id] = mapped_column(ForeignKey("destination.id", ondelete="CASCADE"))
    since: Mapped[Timestamp | None]
    until: Mapped[Timestamp | None]
    exhausted: Mapped[bool]
    messages: Mapped[int]
    recovered: Mapped[int] = mapped_column(server_default=text("0"))
    batch_time: Mapped[Timestamp]
    batch_number: Mapped[int] = mapped_column(BigInteger)
    past_time: Mapped[Timestamp]
    past_number: Mapped[int] = mapped_column(BigInteger)
    create_time: Mapped[Timestamp]
    end_time: Mapped[Timestamp | None]


class DeliveryPayloadRow(Base):
    """A large body in the storage, for a message that goes by download link. A message has one, rarely more (`part`).

    `sealed_key` signs its links. `sealed_content` is the body itself where it was kept together with its message
    instead of in the storage. The row is removed some time after it was last offered, once its message is gone.
    """

    __tablename__ = "delivery_payload"
    __table_args__ = (UniqueConstraint("project_id", "message_id", "part"),)

    id: Mapped[Id] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[Id] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    message_id: Mapped[Id]
    part: Mapped[int] = mapped_column(server_default=text("0"))
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_content: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[Timestamp] = mapped_column(index=True)
