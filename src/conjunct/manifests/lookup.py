"""Questions that the other slices ask about an integration."""

from __future__ import annotations

from .models import (
    Integration,
    IntegrationField,
    IntegrationFieldExistent,
    IntegrationFieldMapping,
    IntegrationObject,
    IntegrationSubscribeObject,
    IntegrationWriteObject,
)


def read_objects(integration: Integration) -> tuple[IntegrationObject, ...]:
    """The objects that are read, in the order written."""
    return integration.read.objects if integration.read else ()


def write_objects(integration: Integration) -> tuple[IntegrationWriteObject, ...]:
    """The objects that can be written, in the order written."""
    return integration.write.objects if integration.write else ()


def subscribe_objects(integration: Integration) -> tuple[IntegrationSubscribeObject, ...]:
    """The objects whose events are received, in the order written."""
    return integration.subscribe.objects if integration.subscribe else ()


def find_read_object(integration: Integration, name: str) -> IntegrationObject | None:
    """The read object that `name` stands for: the provider's name, or the one that it is mapped to."""
    objects = read_objects(integration)
    by_own_name = (item for item in objects if item.object_name == name)
    by_mapped_name = (item for item in objects if item.map_to_name == name)
    return next(by_own_name, None) or next(by_mapped_name, None)


def find_write_object(integration: Integration, name: str) -> IntegrationWriteObject | None:
    """The write object that `name` stands for: the provider's name, or the mapped one if it inherits the mapping."""
    by_own_name = next((item for item in write_objects(integration) if item.object_name == name), None)
    if by_own_name is not None:
        return by_own_name
    read_object = find_read_object(integration, name)
    candidates = (item for item in write_objects(integration) if item.inherit_mapping)
    return next((item for item in candidates if read_object and item.object_name == read_object.object_name), None)


def find_subscribe_object(integration: Integration, name: str) -> IntegrationSubscribeObject | None:
    """The subscribe object that `name` stands for: the provider's name, or the one of its read object."""
    by_own_name = next((item for item in subscribe_objects(integration) if item.object_name == name), None)
    if by_own_name is not None:
        return by_own_name
    read_object = find_read_object(integration, name)
    candidates = (item for item in subscribe_objects(integration) if item.inherit_fields_and_mapping)
    return next((item for item in candidates if read_object and item.object_name == read_object.object_name), None)


def field_names(fields: tuple[IntegrationField, ...]) -> tuple[str, ...]:
    """The provider's names (or nested selectors) of the fields that name one, mapped or not, each once."""
    names = (field.field_name for field in fields if isinstance(field, IntegrationFieldExistent))
    return tuple(dict.fromkeys(names))


def required_field_names(read_object: IntegrationObject) -> tuple[str, ...]:
    """The provider's fields that are read for every consumer."""
    return field_names(read_object.required_fields)


def predefined_mappings(read_object: IntegrationObject) -> dict[str, str]:
    """Mappings that the manifest makes itself: mapped name → the provider's field."""
    fields = (*read_object.required_fields, *read_object.optional_fields)
    existent = (field for field in fields if isinstance(field, IntegrationFieldExistent))
    return {field.map_to_name: field.field_name for field in existent if field.map_to_name}


def required_mappings(read_object: IntegrationObject) -> tuple[IntegrationFieldMapping, ...]:
    """Mappings that every consumer must make."""
    return _mappings(read_object.required_fields)


def optional_mappings(read_object: IntegrationObject) -> tuple[IntegrationFieldMapping, ...]:
    """Mappings that a consumer may make."""
    return _mappings(read_object.optional_fields)


def destinations(integration: Integration) -> frozenset[str]:
    """The names of all destinations that the integration sends to."""
    names = {item.destination for item in read_objects(integration)}
    names |= {item.destination for item in subscribe_objects(integration)}
    if integration.watch_schema:
        names.add(integration.watch_schema.destination)
    return frozenset(names)


def _mappings(fields: tuple[IntegrationField, ...]) -> tuple[IntegrationFieldMapping, ...]:
    return tuple(field for field in fields if isinstance(field, IntegrationFieldMapping))
