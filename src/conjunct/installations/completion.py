"""What a config's content is completed with before it is kept, so that readers of it need no guesses."""

from __future__ import annotations

from typing import Any, TypeVar

from conjunct.installations.content import (
    ConfigContent,
    EventConfig,
    ProxyConfig,
    ReadConfig,
    ReadConfigObject,
    SubscribeConfig,
    SubscribeConfigObject,
    UpdateEventConfig,
    WriteConfig,
    WriteConfigObject,
)
from conjunct.manifests import (
    Integration,
    IntegrationSubscribeObject,
    find_subscribe_object,
    read_objects,
    subscribe_objects,
    write_objects,
)

PartT = TypeVar("PartT", ReadConfig, WriteConfig, SubscribeConfig)


def complete(content: ConfigContent, integration: Integration) -> ConfigContent:
    """The content with the keys that the specification requires."""
    update: dict[str, Any] = {"provider": content.provider or integration.provider}
    if content.read:
        objects = {key: _read(key, each) for key, each in content.read.objects.items()}
        update["read"] = content.read.model_copy(update={"objects": objects})
    if content.write:
        written = {key: _named(key, each) for key, each in content.write.objects.items()}
        update["write"] = content.write.model_copy(update={"objects": written})
    if content.subscribe:
        watched = {key: _subscribe(key, each, integration) for key, each in content.subscribe.objects.items()}
        update["subscribe"] = content.subscribe.model_copy(update={"objects": watched})
    return content.model_copy(update=update)


def chosen_or_everything(content: ConfigContent, integration: Integration) -> ConfigContent:
    """The content; where it chooses nothing at all, everything that the manifest declares, with no optional field."""
    if content.read or content.write or content.proxy or content.subscribe:
        return content
    return content.model_copy(update=_everything(integration))


def _read(key: str, config: ReadConfigObject) -> ReadConfigObject:
    return config.model_copy(
        update={
            "object_name": config.object_name or key,
            "selected_fields": config.selected_fields,
            "selected_field_mappings": config.selected_field_mappings,
        }
    )


def _named(key: str, config: WriteConfigObject) -> WriteConfigObject:
    return config.model_copy(update={"object_name": config.object_name or key})


def _subscribe(key: str, config: SubscribeConfigObject, integration: Integration) -> SubscribeConfigObject:
    name = config.object_name or key
    declared = find_subscribe_object(integration, name)
    update: dict[str, Any] = {"object_name": name}
    if declared is not None:
        inherits = config.inherit_fields_and_mappings
        update["destination"] = config.destination or declared.destination
        update["inherit_fields_and_mappings"] = (
            bool(declared.inherit_fields_and_mapping) if inherits is None else inherits
        )
    return config.model_copy(update=update)


def _everything(integration: Integration) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if reads := read_objects(integration):
        parts["read"] = ReadConfig(objects={each.object_name: ReadConfigObject() for each in reads})
    if writes := write_objects(integration):
        parts["write"] = WriteConfig(objects={each.object_name: WriteConfigObject() for each in writes})
    if subscribes := subscribe_objects(integration):
        parts["subscribe"] = SubscribeConfig(objects={each.object_name: _events(each) for each in subscribes})
    if integration.proxy and integration.proxy.enabled:
        parts["proxy"] = ProxyConfig(enabled=True)
    return parts


def _events(declared: IntegrationSubscribeObject) -> SubscribeConfigObject:
    events: dict[str, Any] = {}
    if declared.create_event:
        events["create_event"] = EventConfig(enabled="always")
    if declared.update_event:
        events["update_event"] = UpdateEventConfig(enabled="always", **_watched(declared))
    if declared.delete_event:
        events["delete_event"] = EventConfig(enabled="always")
    if declared.other_events:
        events["other_events"] = declared.other_events
    return SubscribeConfigObject(**events)


def _watched(declared: IntegrationSubscribeObject) -> dict[str, Any]:
    update = declared.update_event
    if update is not None and update.required_watch_fields:
        return {"required_watch_fields": update.required_watch_fields}
    # The specification of a config knows `all` only; `selected` is what the manifest says without it.
    return {"watch_fields_auto": "all"} if update is not None and update.watch_fields_auto == "all" else {}
