"""What delivery refuses."""

from __future__ import annotations

from conjunct.core.problems import Conflict, Forbidden, NotFound, Problem


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
