"""What a group chose: the content of a config, as a value.

Types are strict, keys that are not known are kept, and a key whose value is null counts as not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from conjunct.core.problems import Issue

T = TypeVar("T")


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | bool | int | float):
        raise ValueError("must be a string, a boolean or a number")  # noqa: TRY004 - becomes an issue
    return value


def _whole_scalar(value: Any) -> Any:
    if not isinstance(value, str | bool | int):
        raise ValueError("must be a string, a boolean or a whole number")  # noqa: TRY004 - becomes an issue
    return value


Scalar = Annotated[Any, BeforeValidator(_scalar)]
WholeScalar = Annotated[Any, BeforeValidator(_whole_scalar)]
Items = Annotated[tuple[T, ...], Field(strict=False)]
Name = Annotated[str, Field(min_length=1, max_length=1000)]
Switch = Literal["always", "never"]


class Part(BaseModel):
    """Base of every part of a config's content."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", alias_generator=to_camel, populate_by_name=True)

    def to_wire(self) -> dict[str, Any]:
        """The JSON form, with the keys that were given and no others."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class ReadFilter(Part):
    """A condition that records must meet."""

    field_name: Name
    operator: Literal["eq"]
    value: Scalar


def _period_is_given(period: DefaultPeriodConfig) -> DefaultPeriodConfig:
    if period.days is None and period.full_history is None:
        raise ValueError("days or fullHistory is required")
    return period


class DefaultPeriodConfig(Part):
    """How far back the first read goes."""

    days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    full_history: bool | None = None


class BackfillConfig(Part):
    """What is read once, after the installation."""

    default_period: Annotated[DefaultPeriodConfig, AfterValidator(_period_is_given)]
    field_filters: Items[ReadFilter] = ()


def _names_a_field(entry: DynamicMapping) -> DynamicMapping:
    if not entry.map_to_name and not entry.field_name:
        raise ValueError("mapToName is required")
    return entry


class DynamicMapping(Part):
    """A field of the builder's that only this group is asked to map."""

    map_to_name: str | None = None
    field_name: str | None = None


class ReadConfigObject(Part):
    """What a group chose for an object that is read."""

    object_name: Name | None = None
    schedule: str | None = None
    disabled: bool = False
    destination: Name | None = None
    selected_fields: dict[Name, bool] = Field(default_factory=dict)
    selected_fields_auto: Literal["all"] | None = None
    selected_field_mappings: dict[Name, str] = Field(default_factory=dict)
    selected_value_mappings: dict[Name, dict[str, str]] = Field(default_factory=dict)
    dynamic_mappings_input: Items[Annotated[DynamicMapping, AfterValidator(_names_a_field)]] = ()
    backfill: BackfillConfig | None = None
    field_filters: Items[ReadFilter] = ()


class ReadConfig(Part):
    """The objects that are read, by name."""

    objects: dict[Name, ReadConfigObject] = Field(default_factory=dict)


class DeletionSettings(Part):
    """Whether records may be deleted."""

    enabled: bool


class ValueDefault(Part):
    """A value that is written where a record has none; `fieldSettings` took its place."""

    value: WholeScalar
    apply_on_update: Switch | None = None


class FieldSettingDefault(Part):
    """A value that is written where a record has none. One of the three."""

    string_value: str | None = None
    integer_value: int | None = None
    boolean_value: bool | None = None


def _one_default(default: FieldSettingDefault) -> FieldSettingDefault:
    given = (default.string_value, default.integer_value, default.boolean_value)
    if sum(value is not None for value in given) > 1:
        raise ValueError("only one of stringValue, integerValue and booleanValue may be given")
    return default


class FieldSetting(Part):
    """When a field is written, and with what where a record has no value."""

    default: Annotated[FieldSettingDefault, AfterValidator(_one_default)] | None = None
    write_on_create: Switch = "always"
    write_on_update: Literal["always", "never", "ifEmpty"] = "always"


class WriteConfigObject(Part):
    """What a group chose for an object that is written."""

    object_name: Name | None = None
    deletion_settings: DeletionSettings | None = None
    selected_value_defaults: dict[Name, ValueDefault] = Field(default_factory=dict)
    selected_field_settings: dict[Name, FieldSetting] = Field(default_factory=dict)


class WriteConfig(Part):
    """The objects that may be written, by name."""

    objects: dict[Name, WriteConfigObject] = Field(default_factory=dict)


class ProxyConfig(Part):
    """Whether requests are passed through."""

    enabled: bool = False


class EventConfig(Part):
    """Whether an event is subscribed to."""

    enabled: Switch


class UpdateEventConfig(EventConfig):
    """Whether updates are subscribed to, and of which fields."""

    watch_fields_auto: Literal["all", "selected"] | None = None
    required_watch_fields: Items[Name] = ()


class QuotaOptimization(Part):
    """Whether the provider filters events before it sends them."""

    enabled: bool


class SubscribeProviderOptions(Part):
    """Options of some providers."""

    quota_optimization: QuotaOptimization | None = None


class SubscribeConfigObject(Part):
    """What a group chose for an object whose events are received."""

    object_name: Name | None = None
    destination: Name | None = None
    inherit_fields_and_mappings: bool | None = None
    create_event: EventConfig | None = None
    update_event: UpdateEventConfig | None = None
    delete_event: EventConfig | None = None
    other_events: Items[Name] = ()
    provider_options: SubscribeProviderOptions | None = None


class SubscribeConfig(Part):
    """The objects whose events are received, by name."""

    objects: dict[Name, SubscribeConfigObject] = Field(default_factory=dict)


class ConfigContent(Part):
    """Everything that a group chose for an integration."""

    provider: str | None = None
    read: ReadConfig | None = None
    write: WriteConfig | None = None
    proxy: ProxyConfig | None = None
    subscribe: SubscribeConfig | None = None

    @property
    def chooses_nothing(self) -> bool:
        """Whether it has no object and nothing passed through."""
        parts = (self.read, self.write, self.subscribe)
        return self.proxy is None and not any(part.objects for part in parts if part is not None)


def parse_content(raw: Any, *, prefix: str = "config.content") -> tuple[ConfigContent | None, list[Issue]]:
    """The content in JSON, or every fault of its types, named from `prefix` on."""
    try:
        return ConfigContent.model_validate(without_nulls(raw)), []
    except ValidationError as error:
        return None, [_issue(fault, prefix) for fault in error.errors(include_url=False)]


def without_nulls(value: Any) -> Any:
    """JSON without the keys whose value is null."""
    if isinstance(value, Mapping):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(inner) for inner in value]
    return value


def _issue(fault: Any, prefix: str) -> Issue:
    # A fault of a key has the same place as one of its value, with this marker behind it.
    name = ".".join([prefix, *(str(part) for part in fault["loc"] if part != "[key]")])
    value = fault["input"]
    shown = value if isinstance(value, bool | int | float | str) and len(str(value)) <= 200 else None
    return Issue(name, fault["msg"].removeprefix("Value error, "), value=shown)
