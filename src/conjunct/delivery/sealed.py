"""Delivery's columns of envelopes."""

from conjunct.core.sealed_columns import SealedColumn
from conjunct.delivery.destination_service import secrets_place
from conjunct.delivery.models import DeliveryKeptRow, DeliveryMessageRow, DeliveryPayloadRow, DestinationRow
from conjunct.delivery.payloads import content_place, key_place
from conjunct.delivery.spool import body_place

# The key of a payload's row stands for that of its content in the storage, which is sealed at the same time or later.
_FETCHED_SOON = "a payload is removed an hour after it was last offered, with its message"

SEALED = (
    SealedColumn(DestinationRow.sealed_secrets, place=secrets_place),
    SealedColumn(DeliveryMessageRow.body, place=body_place, row=DeliveryMessageRow.id),
    SealedColumn(DeliveryKeptRow.body, place=body_place, row=DeliveryKeptRow.id),
    SealedColumn(DeliveryPayloadRow.sealed_key, place=key_place, short_lived=_FETCHED_SOON),
    SealedColumn(DeliveryPayloadRow.sealed_content, place=content_place, short_lived=_FETCHED_SOON),
)
