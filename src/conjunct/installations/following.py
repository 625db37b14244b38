"""How a config is carried over to a new revision.

A config belongs to one revision, so that a read keeps the plan that it began with whatever is deployed meanwhile. A
deploy therefore gives every installation a new config for the new revision, with what the group chose unchanged:

- what the revision changes (schedule, destination, fields) counts at once, unless the group chose otherwise; objects
  that are read `always` are read from then on; other new objects wait until the group chooses them;
- a read object that the revision no longer has is retained: the installation goes on reading it as it was declared
  last, until a destructive deploy comes, or until the object is declared again;
- a destructive deploy drops such objects, retained ones too, and takes them out of the config;
- objects to write and to subscribe to are taken out of the config as soon as the revision no longer has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from conjunct.installations.content import ConfigContent
from conjunct.installations.read_objects import resolve_read_objects
from conjunct.integrations import Revision
from conjunct.manifests import (
    Integration,
    IntegrationObject,
    IntegrationRead,
    find_read_object,
    find_subscribe_object,
    find_write_object,
    read_objects,
)

_FINDERS = {"read": find_read_object, "write": find_write_object, "subscribe": find_subscribe_object}


@dataclass(frozen=True, slots=True)
class Carried:
    """A config on a revision: the integration that it stands on (retained objects included) and what it holds."""

    revision_id: str
    integration: Integration
    retained: tuple[IntegrationObject, ...]
    content: ConfigContent


def with_retained(integration: Integration, retained: Iterable[IntegrationObject]) -> Integration:
    """The integration with the objects besides its own."""
    declared = read_objects(integration)
    names = {each.object_name for each in declared}
    further = tuple(each for each in retained if each.object_name not in names)
    if not further:
        return integration
    return integration.model_copy(update={"read": IntegrationRead(objects=(*declared, *further))})


def carry_over(config: Carried, revisions: Sequence[Revision]) -> Carried:
    """The config on the last of `revisions`, which were deployed one after another since it was made."""
    for revision in revisions:
        config = _step(config, revision)
    return config


def _step(config: Carried, revision: Revision) -> Carried:
    retained: tuple[IntegrationObject, ...] = ()
    if not revision.destructive:
        reads = resolve_read_objects(config.integration, config.content)
        declared = {each.object_name for each in read_objects(revision.content)}
        retained = tuple(
            each
            for each in read_objects(config.integration)
            if each.object_name in reads and each.object_name not in declared
        )
    integration = with_retained(revision.content, retained)
    return Carried(revision.id, integration, retained, _without_strangers(config.content, integration))


def _without_strangers(content: ConfigContent, integration: Integration) -> ConfigContent:
    """The content without objects that the integration does not have."""
    update: dict[str, Any] = {}
    for action, find in _FINDERS.items():
        part = getattr(content, action)
        if part is not None:
            kept = {key: each for key, each in part.objects.items() if find(integration, each.object_name or key)}
            if len(kept) < len(part.objects):
                update[action] = part.model_copy(update={"objects": kept})
    return content.model_copy(update=update) if update else content
