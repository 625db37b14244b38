"""Who is calling, and what the credential lets them see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from conjunct.core.problems import Forbidden, NotFound

Scope = Literal["full", "frontend"]
Kind = Literal["api_key", "jwt", "builder"]
Role = Literal["owner", "member"]
FrontendAccess = Literal["proxy", "write"]
"""What a project may let `frontend` keys and customers' JWTs do besides."""

_CREDENTIALS = {"api_key": "This API key", "jwt": "A customer's token", "builder": "A builder's token"}


@dataclass(frozen=True, slots=True)
class Caller:
    """An API key, a customer's JWT, or a builder's token.

    API keys and JWTs open one project. A JWT is confined to one group of it, and speaks for one consumer. A builder
    opens all projects of their org, if they have one.
    """

    kind: Kind
    actor: str
    scopes: frozenset[str]
    project_id: str | None = None
    project_name: str | None = None
    group_ref: str | None = None
    consumer_ref: str | None = None
    builder_id: str | None = None
    org_id: str | None = None
    role: Role | None = None
    frontend_access: frozenset[str] = frozenset()

    def require(self, scope: Scope) -> None:
        """Refuse with `Forbidden` unless the credential has `scope`; `full` includes `frontend`."""
        if scope not in self.scopes and "full" not in self.scopes:
            raise Forbidden(
                f"{_CREDENTIALS[self.kind]} lacks the scope {scope!r}.",
                remedy=f"Use an API key with the scope {scope!r} or 'full'.",
            )

    def require_use(self, of: FrontendAccess) -> None:
        """Refuse with `Forbidden` unless the credential has the scope `full`, or its project lets frontends do it."""
        if "frontend" in self.scopes and of in self.frontend_access:
            return
        if "full" not in self.scopes:
            raise Forbidden(
                f"{_CREDENTIALS[self.kind]} lacks the scope 'full', and its project does not let frontends do this.",
                remedy=f"Use an API key with the scope 'full', or add {of!r} to the project's frontendAccess.",
            )

    def require_project(self) -> str:
        """The id of the one project that the credential opens; `Forbidden` for a builder, who opens several."""
        if self.project_id is None:
            raise Forbidden(
                "This request is about the project of an API key, and a builder's token has no project of its own.",
                remedy="Send an API key of the project in the header X-Api-Key.",
            )
        return self.project_id

    def confine(self, group_ref: str | None) -> str | None:
        """The group to look at: a JWT's own one, or what was asked for.

        A JWT that asks for another group is `Forbidden`, whether that group exists or not.
        """
        if self.group_ref is None:
            return group_ref
        if group_ref is not None and group_ref != self.group_ref:
            raise Forbidden(
                "This token is confined to its own group, and the request names another.",
                remedy="Leave out groupRef, or send the one in the token's claims.",
            )
        return self.group_ref

    def confine_consumer(self, consumer_ref: str | None) -> str | None:
        """The consumer to speak for: a JWT's own one, or what was asked for; otherwise as `confine`."""
        if self.consumer_ref is None:
            return consumer_ref
        if consumer_ref is not None and consumer_ref != self.consumer_ref:
            raise Forbidden(
                "This token speaks for its own consumer, and the request names another.",
                remedy="Leave out consumerRef, or send the one in the token's claims.",
            )
        return self.consumer_ref


def no_such_project(project_id_or_name: str) -> NotFound:
    """What a caller hears of a project that they cannot see, whether it exists or not."""
    return NotFound(
        f"There is no project {project_id_or_name!r} that this credential can see.",
        remedy="Check the project's id or name, and that the credential belongs to it.",
    )
