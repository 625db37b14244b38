"""Messages to destinations: delivered at once where it goes well, retried where it does not, never lost.

See `service` for how a producer hands messages over, `schedule` and `health` for the decisions, `jobs` for retries,
`destinations/` for the types.
"""

from conjunct.delivery.channel import Channel
from conjunct.delivery.deliveries.endpoints import router as deliveries_router
from conjunct.delivery.endpoints import payload_router, router
from conjunct.delivery.feed_endpoints import router as feed_router
from conjunct.delivery.gate import DisabledDestination, DisabledListener
from conjunct.delivery.messages import Attempt, Message, Payload, Result
from conjunct.delivery.options import DeliveryOptions
from conjunct.delivery.problems import DestinationNotFound
from conjunct.delivery.repository import is_any_disabled
from conjunct.delivery.service import DeliveryService

__all__ = [
    "Message",
    "Payload",
    "Attempt",
    "Result",
    "Channel",
    "DeliveryOptions",
    "DeliveryService",
    "DisabledDestination",
    "DisabledListener",
    "DestinationNotFound",
    "is_any_disabled",
    "router",
    "payload_router",
    "deliveries_router",
    "feed_router",
]
