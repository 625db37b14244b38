"""An integration bound to a group: what the group chose, worked out into what is to be done."""

from conjunct.installations.always import AlwaysInstaller
from conjunct.installations.content import ConfigContent, FieldSetting, WriteConfigObject, parse_content
from conjunct.installations.endpoints import Installations, router
from conjunct.installations.fields import router as fields_router
from conjunct.installations.foresight import InstallationForesight
from conjunct.installations.health import Trouble
from conjunct.installations.history import router as history_router
from conjunct.installations.hydration import Hydrator
from conjunct.installations.hydration import router as hydration_router
from conjunct.installations.installing import Installer
from conjunct.installations.mapping import MappingPlan, as_provider, named_fields, plan_mapping
from conjunct.installations.metadata import router as metadata_router
from conjunct.installations.notices import InstallationNotices, event_fields
from conjunct.installations.problems import (
    ConfigInvalid,
    ConnectionUnusable,
    GroupNotInstalled,
    InstallationExists,
    InstallationNotFound,
    InvalidUpdateMask,
    NoConnection,
    ProviderRefused,
    ProviderUnavailable,
    SampleRefused,
)
from conjunct.installations.provider_problems import provider_problem
from conjunct.installations.read_objects import (
    NO_BACKFILL,
    Backfill,
    ReadObject,
    find_readable,
    resolve_read_objects,
)
from conjunct.installations.service import InstallationService
from conjunct.installations.state import InstallationListener, InstallationState
from conjunct.installations.upstream import Upstream
from conjunct.installations.write_mapping import WriteMapping, selector_of, write_mapping

__all__ = [
    "InstallationService",
    "Installations",
    "Installer",
    "InstallationState",
    "InstallationListener",
    "InstallationNotices",
    "event_fields",
    "Trouble",
    "Upstream",
    "AlwaysInstaller",
    "InstallationForesight",
    "ReadObject",
    "Backfill",
    "NO_BACKFILL",
    "resolve_read_objects",
    "find_readable",
    "MappingPlan",
    "plan_mapping",
    "named_fields",
    "as_provider",
    "WriteMapping",
    "write_mapping",
    "selector_of",
    "provider_problem",
    "ConfigContent",
    "WriteConfigObject",
    "FieldSetting",
    "parse_content",
    "InstallationNotFound",
    "InstallationExists",
    "ConnectionUnusable",
    "ConfigInvalid",
    "SampleRefused",
    "GroupNotInstalled",
    "NoConnection",
    "ProviderRefused",
    "ProviderUnavailable",
    "InvalidUpdateMask",
    "router",
    "Hydrator",
    "history_router",
    "hydration_router",
    "metadata_router",
    "fields_router",
]
