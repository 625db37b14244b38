"""What is refused of builders and their membership."""

from __future__ import annotations

from conjunct.core.problems import Conflict, Forbidden, NotFound


class OrgNotFound(NotFound):
    """There is no such org, or none that the caller belongs to."""

    slug = "org-not-found"
    title = "There is no such org"

    def __init__(self, org_id: str) -> None:
        super().__init__(
            f"There is no org {org_id[:100]!r} that you belong to.",
            remedy="Check the org's id: `GET /v1/my-info` shows your own.",
        )


class BuilderNotFound(NotFound):
    """There is no such builder, or none that the caller may see."""

    slug = "builder-not-found"
    title = "There is no such builder"

    def __init__(self, builder: str) -> None:
        super().__init__(
            f"There is no builder {builder[:254]!r} that could be found here.",
            remedy="Check who it is; `conjunct admin create-builder EMAIL` makes a builder.",
        )


class BuilderExists(Conflict):
    """There is a builder with that email address."""

    slug = "builder-exists"
    title = "There is such a builder already"

    def __init__(self, email: str) -> None:
        super().__init__(
            f"There is a builder {email!r} already.",
            remedy="Make a token for them with `conjunct admin create-token EMAIL`, or invite them to your org.",
        )


class AlreadyInOrg(Conflict):
    """The builder belongs to an org, and nobody belongs to two."""

    slug = "already-in-org"
    title = "The builder belongs to an org already"

    def __init__(self) -> None:
        super().__init__(
            "The builder belongs to an org already, and a builder has one org at most.",
            remedy="Use a builder with another email address for another org.",
        )


class OwnersOnly(Forbidden):
    """Only the owners of an org may do that."""

    slug = "owners-only"
    title = "Only an owner of the org may do that"

    def __init__(self) -> None:
        super().__init__(
            "You are a member of this org, but not an owner.",
            remedy="Ask an owner of the org to do it.",
        )
