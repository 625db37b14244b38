"""What a provider definition may say: the models of `provider.yaml`.

A definition is data. `DefinitionDocument` is the file as written: `defaults` and each of `objects` are parts of an
`ObjectDefinition`. `Definition` is what the loader makes of it: every object merged with the defaults.
The reference with examples is docs/reference/provider-definition.md; the JSON Schema stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, cast

from pydantic import Field, PrivateAttr

from conjunct.connectors.auth_definition import Auth, TokenFact
from conjunct.connectors.definition_base import Identifier, Model, Request
from conjunct.connectors.errors import ErrorKind
from conjunct.connectors.event_definition import Events
from conjunct.connectors.field_definition import UpsertFields
from conjunct.connectors.formats import TimeStyle
from conjunct.connectors.read_definition import Association, ByIds, Count, ReadRule
from conjunct.connectors.schema_definition import SchemaRule
from conjunct.connectors.search_definition import SearchRule
from conjunct.connectors.write_definition import WriteRule

if TYPE_CHECKING:
    from conjunct.connectors.quirks import Quirks

ANY_OBJECT = "*"
MAX_KEPT = 2000

Made = TypeVar("Made")

RuleKind = Literal[
    "auth_invalid",
    "auth_revoked",
    "forbidden",
    "not_found",
    "bad_request",
    "conflict",
    "rate_limited",
    "quota_exhausted",
    "retryable",
    "server",
    "cursor_gone",
    "field_missing",
    "object_missing",
    "api_disabled",
]


class Derivation(Model):
    """A value that follows from another input, such as the host of a region from the host of another."""

    from_: Identifier = Field(alias="from", description="The input that it follows from.")
    cases: dict[str, str] = Field(
        min_length=1,
        description="Texts by regular expressions: the first that the whole value matches counts. Groups of its that "
        "have names are variables of the text.",
    )


class Input(Model):
    """Something asked of the customer when they connect, such as the subdomain of their account; or told by others."""

    name: Identifier
    label: str | None = Field(None, description="What the customer sees.")
    hint: str | None = Field(None, description="Where they find it.")
    kind: Literal["subdomain", "host", "url", "text"] = Field(
        "text",
        description="subdomain: part of a host name. host: the whole host name, perhaps with a port. url: the address "
        "of their own server. text: never in a host.",
    )
    pattern: str | None = Field(None, description="A regular expression that the whole value must match.")
    default: str | None = None
    optional: bool = Field(False, description="The connection is good without it.")
    modules: list[Identifier] = Field(
        default_factory=list, description="The modules that need it, where not all do; without them it may be missing."
    )
    source: Literal["customer", "callback", "token", "provider", "derived"] = Field(
        "customer",
        description="Who tells: the customer, who is asked; the address with which a provider sends them back "
        "(`from_callback`); the token endpoint's answer (`from_token.facts`); the provider, in a look-up after the "
        "customer has connected (`after_connect`); or another input (`derive`).",
    )
    derive: Derivation | None = None
    docs: str | None = Field(None, description="A page that says more.")


class AppInput(Model):
    """Something asked of the builder for their app at the provider."""

    name: Identifier
    at: Literal["authorize_url", "provider"] = Field(
        "authorize_url", description="authorize_url: a parameter with which customers are asked. provider: for our use."
    )
    label: str | None = None
    hint: str | None = None
    modules: list[Identifier] = Field(default_factory=list, description="The modules that it is for, if not for all.")
    docs: str | None = None


class Media(Model):
    """Pictures of the provider, as URLs."""

    icon: str | None = None
    logo: str | None = None
    icon_dark: str | None = None
    logo_dark: str | None = None


class Module(Model):
    """A part of the provider that an integration may name, with the base URL of its proxy."""

    display: str | None = None
    base_url: str | None = Field(None, description="Where the proxy of this module goes; else the provider's base_url.")


class Usage(Model):
    """A header that tells what is used of a quota, such as `api-usage=18/5000`."""

    header: str
    pattern: str = Field(description="A regular expression with the groups `used` and `total`, to be found in it.")
    leave: Annotated[float, Field(ge=0, lt=1)] = Field(0.05, description="The share of the quota that is not used.")
    pause: Annotated[float, Field(gt=0)] = Field(
        600, description="Seconds for which nothing is sent when no more than that is left."
    )


class RateLimit(Model):
    """The headers in which the provider tells of its limits, and the limits that it documents."""

    retry_after: str = Field("Retry-After", description="Header with seconds or an HTTP date.")
    remaining: str | None = Field(None, description="Header with the number of requests left in the window.")
    reset: str | None = Field(None, description="Header that says when the window ends.")
    reset_format: Literal["seconds", "unix", "unix_ms", "rfc3339"] = "seconds"
    usage: Usage | None = None
    buckets: dict[str, Bucket] = Field(
        default_factory=dict, description="Documented limits by name; 'default' is for all."
    )


class Bucket(Model):
    """So many requests in so many seconds."""

    requests: Annotated[int, Field(gt=0)]
    seconds: Annotated[float, Field(gt=0)] = 1


class ObjectDefinition(Model):
    """What is known of one object, or of all by default."""

    display: str | None = None
    time: TimeStyle = Field("rfc3339", description="How {since} and {until} read without a pipe.")
    vars: dict[Identifier, str] = Field(default_factory=dict, description="Texts for the templates of this object.")
    read: ReadRule | None = None
    search: SearchRule | None = None
    count: Count | None = None
    by_ids: ByIds | None = None
    associations: dict[str, Association] = Field(
        default_factory=dict, description="By the other object's name; '*' stands for any other."
    )
    write: WriteRule | None = None
    schema_: SchemaRule | None = Field(None, alias="schema")
    upsert_fields: UpsertFields | None = None


class ErrorRule(Model):
    """If all that is given matches, the error is of this class."""

    status: int | list[int] | None = None
    code: str | list[str] | None = None
    match: str | None = Field(None, description="A part of the message, in any letter case.")
    class_: RuleKind = Field(alias="class")
    retry_in: Annotated[float, Field(gt=0)] | None = Field(None, description="Seconds to wait when no header says.")

    @property
    def kind(self) -> ErrorKind:
        """The class as the engine knows it."""
        return ErrorKind(self.class_)


class ErrorRules(Model):
    """How errors are told: the rules stand before what the status usually means."""

    code_at: str | None = None
    message_at: str | None = None
    fail_if: str | None = Field(None, description="Something here makes a 200 an error.")
    fail_unless: str | None = Field(None, description="Not true here makes a 200 an error (`ok: false`).")
    rules: list[ErrorRule] = Field(default_factory=list)


class Check(Model):
    """A harmless request that succeeds only with good credentials."""

    path: str
    method: Literal["GET", "POST"] = "GET"
    ok: list[int] = Field(default_factory=lambda: [200])
    guards_reads: bool = Field(
        False,
        description="The provider answers reads with bad credentials, too, with what anyone may see: it is asked with "
        "the first and the last page of each read.",
    )


class LookUp(Model):
    """A request that finds out more of the customer's account, made once when it is connected.

    `look_ups.py` reads its answer.
    """

    request: Request
    list_: str | None = Field(None, alias="list", description="Where a list stands, of which one entry is taken.")
    match: dict[str, str] = Field(
        default_factory=dict,
        description="Which entry: texts that it must have, by where they stand in it; else it is the first.",
    )
    take: dict[Identifier, str | TokenFact] = Field(
        description="Facts by name: where they stand in the answer, or in the entry. They are inputs from then on."
    )
    optional: bool = Field(False, description="The connection is good without them.")


class DefinitionBase(Model):
    """What the file and the merged definition have in common."""

    spec: Literal["conjunct/provider@1"]
    name: Identifier
    display: str
    base_url: str
    media: Media | None = None
    labels: dict[str, str] = Field(default_factory=dict, description="Facts for those who show the catalog.")
    inputs: list[Input] = Field(default_factory=list)
    app_inputs: list[AppInput] = Field(default_factory=list)
    modules: dict[Identifier, Module] = Field(default_factory=dict)
    default_module: str | None = None
    extra_hosts: list[str] = Field(default_factory=list, description="Other hosts that may receive the credentials.")
    headers: dict[str, str] = Field(default_factory=dict)
    auth: Auth
    check: Check | None = None
    after_connect: list[LookUp] = Field(default_factory=list)
    rate_limit: RateLimit = Field(default_factory=RateLimit)
    errors: ErrorRules = Field(default_factory=ErrorRules)
    events: Events | None = None


class DefinitionDocument(DefinitionBase):
    """A provider.yaml as it is written. In defaults and objects, null removes what would be inherited."""

    anchors: dict[str, Any] = Field(default_factory=dict, description="A place for YAML anchors; not read.")
    extends: Identifier | None = Field(
        None,
        description="Another definition: its `defaults`, `objects`, `errors`, `rate_limit`, `events` and the code "
        "beside it are this one's, too, where this one says nothing else.",
    )
    defaults: ObjectDefinition = Field(default_factory=ObjectDefinition)
    objects: dict[str, ObjectDefinition] = Field(default_factory=dict)


class Definition(DefinitionBase):
    """A checked definition, every object merged with the defaults.

    `"*"` stands for any other name, `"*History"` for any that ends so.
    """

    extends: Identifier | None = None

    objects: dict[str, ObjectDefinition]

    _made: dict[Hashable, Any] = PrivateAttr(default_factory=dict)
    _quirks: type[Quirks] | None = PrivateAttr(default=None)

    @property
    def quirks(self) -> type[Quirks] | None:
        """The code beside the definition, if there is any."""
        return self._quirks

    def with_quirks(self, quirks: type[Quirks]) -> Definition:
        """This definition with code beside it."""
        self._quirks = quirks
        return self

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` makes of this definition, kept under `key` as long as the definition lives."""
        made = self._made.get(key)
        if made is None:
            # Object names under "*" come from outside; they may not fill the memory.
            if len(self._made) >= MAX_KEPT:
                self._made.clear()
            made = self._made[key] = make()
        return cast("Made", made)

    def object(self, name: str) -> ObjectDefinition | None:
        """What is known of that object, or None when the provider has none of that name.

        The longest of the patterns that fit counts; that of all names is the shortest.
        """
        known = self.objects.get(name)
        if known is not None:
            return known
        fitting = [each for each in self.objects if ANY_OBJECT in each and fnmatchcase(name, each)]
        return self.objects[max(fitting, key=len)] if fitting else None

    def requires(self, each: Input) -> bool:
        """Whether every customer must tell this input, if it has no default."""
        for_all = not each.modules or set(each.modules) >= self.modules.keys()
        return each.source == "customer" and not each.optional and for_all

    @property
    def object_names(self) -> tuple[str, ...]:
        """The objects known by name."""
        return tuple(name for name in self.objects if ANY_OBJECT not in name)


RateLimit.model_rebuild()
