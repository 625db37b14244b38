"""What amp.yaml says, as values: the constructs of the manifest specification, version 1.0.0.

The docstring under a key is also what editors show for it, through the published JSON Schema. Instances are made from
the names as written (`Integration.model_validate({"name": …})`) and give them back with `to_wire`. Rules that span
several keys stand in `rules`; an instance keeps them if it came from `parse_manifest` or `validate_integration`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, GetJsonSchemaHandler, Tag, model_serializer
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from .key_docs import key_docs

SPEC_VERSION = "1.0.0"

MAX_NAME = 255
"""Characters in the name of an object, a field or a destination."""

Name = Annotated[str, Field(pattern=r"^\S(.*\S)?$", max_length=MAX_NAME)]
"""One line of text without spaces around it."""

IntegrationName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)]
DisplayName = Annotated[str, Field(pattern=r"^\S(.*\S)?$", max_length=100)]

T = TypeVar("T")
# Lists of YAML become tuples; everything else must already have its type.
Items = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]
MaybeNoItems = Annotated[tuple[T, ...], Field(strict=False)]


class Construct(BaseModel):
    """Base of every part of a manifest: immutable, strict about types, with no unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """As usual, with what stands under each key as its description."""
        made = handler(schema)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        for name, text in key_docs(cls).items():
            key = cls.model_fields[name].alias or name
            if key in properties:
                properties[key].setdefault("description", text)
        return made

    def to_wire(self) -> dict[str, Any]:
        """The JSON form, with the keys that were written and no others (but see `IntegrationObject.schedule`)."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class IntegrationFieldExistent(Construct):
    """A field of the provider, read under its own name or under one that you choose."""

    field_name: Name
    """The provider's name of the field, or a nested one such as $['address']['city']."""
    map_to_name: Name | None = None
    """The name under which the value is delivered; may be nested as well."""
    map_to_display_name: DisplayName | None = None
    """What people see instead of the name."""


class IntegrationFieldMapping(Construct):
    """A field of yours; each consumer chooses which of their fields it comes from."""

    map_to_name: Name
    """The name under which the value is delivered; may be nested, such as $['address']['city']."""
    map_to_display_name: DisplayName | None = None
    """What the consumer sees as the name of your field."""
    default: Name | None = None
    """The provider's field that is proposed; choose one that every account has."""
    prompt: str | None = None
    """The question that the consumer answers by choosing a field."""


EXISTENT_TAG = "(fieldName)"
MAPPING_TAG = "(mapToName)"


def _kind_of_field(value: Any) -> str:
    if isinstance(value, IntegrationFieldMapping):
        return MAPPING_TAG
    is_mapping = isinstance(value, dict) and "mapToName" in value and "fieldName" not in value
    return MAPPING_TAG if is_mapping else EXISTENT_TAG


IntegrationField = Annotated[
    Annotated[IntegrationFieldExistent, Tag(EXISTENT_TAG)] | Annotated[IntegrationFieldMapping, Tag(MAPPING_TAG)],
    Discriminator(_kind_of_field),
]


class DefaultPeriod(Construct):
    """How far back the first read goes. Exactly one of the two keys."""

    days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    """Days before the installation; 0 means no backfill."""
    full_history: bool | None = None
    """Whether everything is read."""


class Backfill(Construct):
    """What is read once, when the integration is installed."""

    default_period: DefaultPeriod
    """How far back the first read goes, unless the installation says otherwise."""


class Delivery(Construct):
    """When results are sent."""

    mode: Literal["auto", "onRequest"] = "auto"
    """auto: as soon as they are read. onRequest: held until they are asked for."""
    page_size: Annotated[int, Field(ge=50, le=500)] | None = None
    """Records in one message at most; only with mode onRequest."""


class IntegrationObject(Construct):
    """An object that is read."""

    object_name: Name
    """The provider's name of the object."""
    destination: Name
    """The name of the destination that gets the records."""
    schedule: str = ""
    """How often to read: a cron expression in quotes, every 10 minutes at the finest. Without it: when triggered."""
    map_to_name: Name | None = None
    """The name under which the object is delivered."""
    map_to_display_name: DisplayName | None = None
    """What people see instead of the object's name."""
    required_fields: MaybeNoItems[IntegrationField] = ()
    """Fields that are read for every consumer."""
    optional_fields: MaybeNoItems[IntegrationField] = ()
    """Fields that each consumer may choose."""
    optional_fields_auto: Literal["all"] | None = None
    """all: the consumer may choose any field of the object."""
    backfill: Backfill | None = None
    """What is read once, when the integration is installed; nothing without it."""
    delivery: Delivery | None = None
    """When results are sent."""
    enabled: Literal["always"] | None = None
    """always: read for every installation, even where the consumer has not selected the object."""
    associations: Items[Name] | None = None
    """Other objects, by the provider's names: which of their records belong to each record is delivered with it."""
    deleted_records: Literal["include"] | None = None
    """include: reads after the backfill bring records that were deleted, too, each marked as such."""

    @property
    def delivered_name(self) -> str:
        """The name of the object in messages: `mapToName`, or else the provider's."""
        return self.map_to_name or self.object_name

    @model_serializer(mode="wrap")
    def _with_schedule(self, serialize: Callable[[IntegrationObject], dict[str, Any]]) -> dict[str, Any]:
        # The API specification makes `schedule` a required key; clients generated from it refuse an object without it.
        return {**serialize(self), "schedule": self.schedule}


class IntegrationRead(Construct):
    """What is read from the provider."""

    objects: Items[IntegrationObject]
    """The objects to read."""


class ValueDefaults(Construct):
    """Values that are written where a record has none."""

    allow_any_fields: bool | None = None
    """Whether consumers may set a default for any field."""


class IntegrationWriteObject(Construct):
    """An object that can be written."""

    object_name: Name
    """The provider's name of the object."""
    inherit_mapping: bool | None = None
    """Whether the mappings of the read object with the same name apply, in reverse."""
    unmapped_fields: Literal["remove"] | None = None
    """remove: fields that have no mapping are left out of what is written. Ampersand has no key for it."""
    value_defaults: ValueDefaults | None = None
    """Values that are written where a record has none."""


class IntegrationWrite(Construct):
    """What can be written to the provider."""

    objects: Items[IntegrationWriteObject]
    """The objects that can be written."""


class ProxyRule(Construct):
    """Requests that may be passed through."""

    path: Annotated[str, Field(pattern=r"^/[!-$&-~]*$", max_length=1000)]
    """The path, decoded. A segment * stands for any one, ** at the end for any number of them: /crm/v3/objects/**."""
    methods: Items[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]] | None = None
    """The methods; without it, all."""


class IntegrationProxy(Construct):
    """Requests of your own, passed through with the consumer's credentials."""

    enabled: bool | None = None
    """Whether requests are passed through."""
    use_module: bool | None = None
    """Whether paths are relative to the module's base URL instead of the provider's."""
    allow: Items[ProxyRule] | None = None
    """The only requests that are passed through; without it, all. Ampersand has nothing like it."""
    encoded_slashes: Literal["allow"] | None = None
    """allow: paths may hold %2F, as GitLab's do for names of projects. Ampersand has nothing like it."""


class CreateEvent(Construct):
    """A record was created."""

    enabled: Literal["always"]
    """always: every installation gets these events."""


class UpdateEvent(Construct):
    """A record was changed. Exactly one of `watchFieldsAuto` and `requiredWatchFields`."""

    enabled: Literal["always"]
    """always: every installation gets these events."""
    watch_fields_auto: Literal["all", "selected"] | None = None
    """all: a change of any field counts. selected: one of the fields that the consumer selected."""
    required_watch_fields: Items[Name] | None = None
    """The fields, or mapped names, whose change counts; not nested ones."""


class DeleteEvent(Construct):
    """A record was deleted."""

    enabled: Literal["always"]
    """always: every installation gets these events."""


class AssociationChangeEvent(Construct):
    """A record was linked to another one, or the link was removed."""

    enabled: Literal["always"]
    """always: every installation gets these events."""
    include_full_records: bool | None = None
    """Whether the linked records are sent along in full."""


class IntegrationSubscribeObject(Construct):
    """An object whose events are received as they happen."""

    object_name: Name
    """The provider's name of the object."""
    destination: Name
    """The name of the destination that gets the events."""
    inherit_fields_and_mapping: bool | None = None
    """Must be true with any event but `otherEvents`: fields and mappings are those of the read object of that name."""
    create_event: CreateEvent | None = None
    """A record was created."""
    update_event: UpdateEvent | None = None
    """A record was changed."""
    delete_event: DeleteEvent | None = None
    """A record was deleted."""
    association_change_event: AssociationChangeEvent | None = None
    """A record was linked to another one, or the link was removed."""
    other_events: Items[Name] | None = None
    """Further events by the provider's own names, such as contact.merge."""


class IntegrationSubscribe(Construct):
    """Events that are received as they happen."""

    objects: Items[IntegrationSubscribeObject]
    """The objects whose events are received."""


class FieldCreatedEvent(Construct):
    """A field was added to an object."""

    enabled: Literal["always"]
    """always: every installation is watched."""


class FieldDeletedEvent(Construct):
    """A field was removed from an object."""

    enabled: Literal["always"]
    """always: every installation is watched."""


class FieldChangedEvent(Construct):
    """A field's type, label or description was changed."""

    enabled: Literal["always"]
    """always: every installation is watched."""


class WatchSchemaAllObjects(Construct):
    """Changes that are looked for, in all objects. At least one."""

    field_created: FieldCreatedEvent | None = None
    """A field was added to an object."""
    field_deleted: FieldDeletedEvent | None = None
    """A field was removed from an object."""
    field_changed: FieldChangedEvent | None = None
    """A field's type, label or description was changed."""


class WatchSchema(Construct):
    """Watches which fields the provider's objects have."""

    destination: Name
    """The name of the destination that gets the changes."""
    schedule: str = "0 */24 * * *"
    """How often to look, as a cron expression in quotes; hourly at the finest."""
    all_objects: WatchSchemaAllObjects
    """Changes that are looked for, in all objects."""


class Integration(Construct):
    """One integration: what your product does with one provider."""

    name: IntegrationName
    """Identifies the integration: letters, digits, hyphens and underscores, at most 64."""
    provider: Name
    """The provider's name, as in the catalog or in your own definition."""
    display_name: DisplayName | None = None
    """What people see instead of the name."""
    module: Name | None = None
    """The part of the provider, where it has several, such as crm."""
    read: IntegrationRead | None = None
    """What is read from the provider."""
    write: IntegrationWrite | None = None
    """What can be written to the provider."""
    proxy: IntegrationProxy | None = None
    """Requests of your own, passed through with the consumer's credentials."""
    subscribe: IntegrationSubscribe | None = None
    """Events that are received as they happen."""
    watch_schema: WatchSchema | None = None
    """Watches which fields the provider's objects have."""


class Manifest(Construct):
    """The integrations of a project, as amp.yaml declares them."""

    spec_version: Literal["1.0.0"]
    """The version of this format: 1.0.0."""
    integrations: Items[Integration]
    """The integrations of the project."""
