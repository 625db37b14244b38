"""What can stand against a request about JWT keys."""

from __future__ import annotations

from conjunct.core.problems import NotFound


class JwtKeyNotFound(NotFound):
    """There is no such JWT key in the project."""

    slug = "jwt-key-not-found"
    title = "There is no such JWT key"

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"There is no JWT key {key_id!r} in this project.",
            remedy="List the JWT keys of the project to see their ids.",
        )
