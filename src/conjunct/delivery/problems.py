"""What delivery refuses."""

from __future__ import annotations

from conjunct.core.problems import Conflict, Forbidden, InvalidRequest, Issue, NotFound, Problem


class DestinationNotFound(NotFound):
    """No destination of this project has that name or id."""

    slug = "destination-not-found"
    title = "There is no such destination"

    def __init__(self, name_or_id: str) -> None:
        shown = name_or_id[:100].replace("\x00", "\N{REPLACEMENT CHARACTER}")
        super().__init__(
            f"This project has no destination {shown!r}.",
            remedy="Check the destination's name or id, or create it.",
        )


class DestinationNameTaken(Conflict):
    """Another destination of this project has the name."""

    slug = "destination-name-taken"
    title = "The name is taken"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This project already has a destination {name!r}.",
            remedy="Choose another name, or update the destination that is there.",
        )


class PayloadLinkInvalid(Forbidden):
    """A download link that was not made here, or was changed."""

    slug = "payload-link-invalid"
    title = "This download link is not valid"

    def __init__(self) -> None:
        super().__init__(
            "The download link is not one of ours, or it was changed on its way.",
            remedy="Use the link exactly as it stands in the message.",
        )


class PayloadLinkExpired(Problem):
    """A download link was good, but its time is over."""

    status = 410
    slug = "payload-link-expired"
    title = "This download link has expired"

    def __init__(self) -> None:
        super().__init__(
            "The download link was valid for 15 minutes.",
            remedy="Download the result when the message arrives. A new read of the object delivers it again.",
        )


class MessagesNotKept(Conflict):
    """The destination keeps no messages that could be pulled."""

    slug = "messages-not-kept"
    title = "This destination keeps no messages"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The destination {name!r} sends its messages and keeps none of them.",
            remedy="Set its `delivery.keepHours`; messages made from then on can be pulled.",
        )


class CursorExpired(Problem):
    """Messages behind a cursor were removed before they were pulled."""

    status = 410
    slug = "cursor-expired"
    title = "Messages behind this cursor are no longer kept"

    def __init__(self, name: str, keep_hours: int) -> None:
        super().__init__(
            f"Messages of {name!r} that come after the cursor were removed: they are kept for {keep_hours} hours, or "
            "less where there are too many bytes of them.",
            remedy="Go on without `after`, from the oldest message that is kept. What is missing can be read again by "
            "triggered reads. Pull more often, or set a larger `delivery.keepHours`.",
        )


class CursorUnknown(InvalidRequest):
    """A cursor beyond the newest message, or one that this feed never gave out."""

    def __init__(self) -> None:
        super().__init__(
            "The cursor is not one that this feed gave out.",
            remedy="Send the `cursor` of the last answer for this destination; or leave `after` out, to begin with the "
            "oldest message that is kept.",
            issues=[Issue("after", "is not a cursor of this feed", location="query")],
        )


class DeliveryNotFound(NotFound):
    """The destination was never handed this message, or it was so long ago that nothing is known of it any more."""

    slug = "delivery-not-found"
    title = "There is no such delivery"

    def __init__(self, message_id: str) -> None:
        shown = message_id[:100].replace("\x00", "\N{REPLACEMENT CHARACTER}")
        super().__init__(
            f"Of a message {shown!r} for this destination nothing is known.",
            remedy="Check the message's id and the destination. Deliveries are told of for as long as their attempts "
            "are kept.",
        )


class DestinationDisabled(Conflict):
    """Nothing is sent to a destination that is disabled."""

    slug = "destination-disabled"
    title = "The destination is disabled"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Nothing is sent to {name!r}: it is disabled.",
            remedy="Enable it with `:enable`, or with `deliveries:recover`, which tries again what was given up, too.",
        )


class MessageHeld(Conflict):
    """The message waits to be asked for, and has never been sent."""

    slug = "message-held"
    title = "The message waits to be asked for"

    def __init__(self, message_id: str) -> None:
        super().__init__(
            f"The message {message_id!r} is held: its object is delivered on request.",
            remedy="Ask for pages with `deliverResults`; the oldest go first.",
        )


class MessageNotKept(Conflict):
    """The message was delivered or has expired, or is not for sending: there is nothing that could be sent again."""

    slug = "message-not-kept"
    title = "The message is not kept"

    def __init__(self, message_id: str) -> None:
        super().__init__(
            f"The message {message_id!r} is no longer kept, so that it cannot be sent again.",
            remedy="Read its object again with a triggered read. Set the destination's `delivery.keepHours` to be able "
            "to replay messages that were delivered.",
        )
