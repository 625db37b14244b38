"""What can stand against a request about API keys."""

from __future__ import annotations

from conjunct.core.problems import Conflict, NotFound


class ApiKeyNotFound(NotFound):
    """There is no such API key in the project."""

    slug = "api-key-not-found"
    title = "There is no such API key"

    def __init__(self) -> None:
        # What was asked for is not repeated: it may be a key of another project.
        super().__init__(
            "There is no such API key in this project.", remedy="List the API keys of the project to see them."
        )


class LastFullKey(Conflict):
    """The key is the only way into its project."""

    slug = "last-full-key"
    title = "This key is the only way into its project"

    def __init__(self) -> None:
        super().__init__(
            "No other active key of this project has the scope 'full', and its org has no builder.",
            remedy="Create another key with the scope 'full' first.",
        )
