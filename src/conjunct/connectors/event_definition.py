"""The `events` section of a definition: how a provider tells of changes by itself, and how one sees that it was it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from conjunct.connectors.definition_base import Identifier, Model, Request
from conjunct.connectors.formats import TimeStyle

EventKind = Literal["create", "update", "delete", "associationUpdate", "other"]

SIGNED_VARIABLES = frozenset({"body", "method", "url", "timestamp"})
"""What a signature may be over: the body and the rest of the request as they came, and the time that it names."""

REGISTRATION_VARIABLES = frozenset({"callback_url", "secret", "object", "event", "events", "expires_at"})
"""Variables that registrations give to their templates, besides inputs and what is kept of an earlier answer.

`callback_url` is where events are to be sent, `secret` a text of ours. `events` is the list of the provider's names of
what is wanted; with `each: event`, `event` is one of them; with `each: object` they are those of `object`.
`expires_at` is the time until which a registration is wanted, if it is renewed: twice `renew_every` from now.
"""


class Place(Model):
    """Where something stands in a request with events; one of the first five."""

    at: str | None = Field(None, description="In the event.")
    outer: str | None = Field(None, description="With `within`: in the entry that the event stands in.")
    envelope: str | None = Field(None, description="In the whole body.")
    header: str | None = None
    query: str | None = None
    part: str | None = Field(None, description="A regular expression: its first group, in what stands there, is meant.")


class Timestamp(Model):
    """When a request was signed."""

    header: str | None = None
    part: str | None = Field(None, description="Its name in the signature's header (`t=…,v1=…`).")
    at: str | None = Field(None, description="Where it stands in the body.")
    format: TimeStyle = "unix"
    fresh_for: Annotated[int, Field(gt=0, le=86400)] = Field(
        300, description="Seconds after which the request counts no more, and by which it may be ahead."
    )


class Hmac(Model):
    """The provider signs its requests with a secret that it shares with us."""

    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    header: str = Field(description="The header with the signature.")
    prefix: str = Field("", description="What stands before it: `sha256=`.")
    part: str | None = Field(None, description="Its name in a header of several parts: `t=…,v1=…`.")
    signed: str = Field("{body}", description="What is signed: a template of {body}, {method}, {url}, {timestamp}.")
    timestamp: Timestamp | None = None
    key: Literal["text", "hex", "base64"] = Field("text", description="How the secret is to be read.")


class Token(Model):
    """The provider repeats a secret; one of `header`, `query`, `at`."""

    header: str | None = None
    prefix: str = ""
    query: str | None = None
    at: str | None = Field(None, description="Where it stands in each event, or in the body.")
    user: str | None = Field(None, description="It comes as the password of HTTP Basic, with this user name.")


class Verification(Model):
    """How one sees that a request is the provider's; one of the three."""

    hmac: Hmac | None = None
    token: Token | None = None
    none: Literal[True] | None = Field(None, description="The provider proves nothing: anybody could send it.")
    secret: Literal["app", "told", "ours", "handshake"] = Field(
        "app",
        description="Whose it is. app: the client secret, or one that the builder finds beside it. told: in the answer "
        "to a registration. ours: made by us for it. handshake: in the first request.",
    )


class Challenge(Model):
    """A request by which the provider sees that somebody listens: a value that it wants back.

    One of `query`, `at`, `header` says where the value stands.
    """

    query: str | None = None
    at: str | None = None
    header: str | None = None
    when: dict[str, str] = Field(default_factory=dict, description="Texts of the body by place: only then it is one.")
    answer: Literal["text", "json", "header"] = Field("text", description="How the value is given back.")
    name: str | None = Field(None, description="json, header: under which name.")
    is_secret: bool = Field(False, description="Later requests are signed with that value.")
    signed: bool = Field(True, description="false: it comes without the proof that events have.")


class Changed(Model):
    """Which fields changed."""

    at: str
    names: Literal["list", "keys", "text"] = Field(
        "list", description="list: of names. keys: a mapping whose keys they are. text: the name of one."
    )


class Happened(Model):
    """When it happened."""

    at: str
    format: TimeStyle = "rfc3339"


class EventRule(Model):
    """How an event is read."""

    name: list[Place] = Field(min_length=1, description="The provider's name of what happened, put together with dots.")
    kinds: dict[str, EventKind] = Field(
        default_factory=dict,
        description="Kinds by regular expressions: the first that the whole name matches. Its group `object` names the "
        "object. A name that none matches is `other`.",
    )
    object: list[Place] = Field(
        default_factory=list, description="Where the object's name stands, if not in the event's; the first that tells."
    )
    objects: dict[str, str] = Field(
        default_factory=dict, description="Names of the definition's objects by the provider's, where they differ."
    )
    id: list[Place] = Field(
        default_factory=list,
        description="Where the record's id stands; the first that tells. A list there makes an event of each.",
    )
    id_as: dict[str, str] = Field(
        default_factory=dict, description="How an id reads elsewhere in the API, by object: a template of {id}."
    )
    changed: Changed | None = None
    time: Happened | None = None
    account: Place | None = Field(None, description="What tells whose account it is.")
    account_input: Identifier | None = Field(None, description="The input of a connection that has the same value.")
    record: str | None = Field(None, description="Where the record itself stands, if the event has it.")


class Registration(Model):
    """How the provider is asked to send events."""

    each: Literal["account", "object", "event"] = Field("account", description="What one registration is for.")
    create: Request
    keep: dict[Identifier, str] = Field(
        default_factory=dict, description="What is kept of the answer, by where it stands: `id`, `secret`."
    )
    update: Request | None = None
    remove: Request | None = None
    renew: Request | None = None
    renew_every: Annotated[int, Field(gt=0)] | None = Field(
        None, description="Seconds after which it is renewed, well before the provider forgets it."
    )


class Events(Model):
    """How a provider tells of changes by itself."""

    setup: Literal["api", "manual", "hook"] = Field(
        description="api: by `register`. manual: the builder enters our URL at the provider. hook: by code."
    )
    verify: Verification
    challenge: list[Challenge] = Field(default_factory=list)
    each: str = Field("", description="Where the list of events stands; an object there is one event.")
    within: str | None = Field(None, description="Where, in each of these, the list of events stands.")
    event: EventRule
    offers: dict[str, dict[EventKind, list[str]]] = Field(
        default_factory=dict, description="The provider's names of events, by object and kind."
    )
    register_: Registration | None = Field(None, alias="register")
    docs: str | None = None
