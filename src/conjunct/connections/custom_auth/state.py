"""A customer's way through the steps, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conjunct.connections.account import Account
from conjunct.connections.oauth.links import LinkUse, SetOut
from conjunct.connections.provider_apps.service import OpenedApp
from conjunct.connections.renewal import APP_CLIENT_ID, APP_CLIENT_SECRET
from conjunct.connections.schemas import MetadataEntry
from conjunct.connectors import Definition
from conjunct.connectors.auth_definition import CustomAuth, RedirectStep, RequestStep
from conjunct.connectors.custom_steps import Known


@dataclass(frozen=True, slots=True)
class Start:
    """Who is to be connected to what, with what they gave. `origin` is that of the page that asks, if one does."""

    provider: str
    group_ref: str
    group_name: str | None
    consumer_ref: str
    consumer_name: str | None
    metadata: Mapping[str, MetadataEntry] | None = None
    provider_app_id: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    origin: str | None = None
    link: LinkUse | None = None


@dataclass(frozen=True, slots=True)
class SentOn:
    """The customer is to go to `url`. `session_id` is None for those who come back by the state alone."""

    url: str = field(repr=False)
    session_id: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connected:
    """There is a connection."""

    project_id: str
    connection_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A session that waits for a callback: where its page is, or the hosted link that it began on."""

    opener_origin: str | None
    set_out: SetOut | None


@dataclass(frozen=True, slots=True)
class Who:
    """The customer, and the person of theirs."""

    group_ref: str
    group_name: str | None
    consumer_ref: str
    consumer_name: str | None


@dataclass(frozen=True, slots=True)
class Work:
    """A session that this call has claimed.

    `told` is the session's id as the caller knows it; None where they do not know it yet, or never will.
    """

    digest: bytes = field(repr=False)
    claim: str = field(repr=False)
    project_id: str
    definition: Definition
    app: OpenedApp | None
    who: Who
    account: Account
    inputs: Mapping[str, str]
    position: int
    values: Mapping[str, Any] = field(repr=False)
    session_id: str | None = field(repr=False)
    link_id: str | None
    has_begun: bool

    @property
    def step(self) -> RedirectStep | RequestStep | None:
        """The step to be taken; None when all are."""
        return step_at(self.definition, self.position)

    @property
    def known(self) -> Known:
        """What the steps are made of."""
        client = None if self.app is None else self.app.client
        of_app = {} if client is None else {APP_CLIENT_ID: client.client_id, APP_CLIENT_SECRET: client.client_secret}
        return Known(self.inputs, self.values, of_app)

    def after(self, found: Mapping[str, str]) -> Work:
        """The same when the step is taken and has given this."""
        return replace(self, position=self.position + 1, values={**self.values, **found})


def step_at(definition: Definition, position: int) -> RedirectStep | RequestStep | None:
    """The step of that number, counted from 0; None behind the last one."""
    auth = definition.auth
    steps = auth.steps if isinstance(auth, CustomAuth) else []
    return steps[position] if position < len(steps) else None
