"""OAuth clients that the builder registered with providers: their secrets are kept, used, and never shown again."""

from conjunct.connections.provider_apps.problems import ProviderAppNotFound
from conjunct.connections.provider_apps.repository import provider_app_json
from conjunct.connections.provider_apps.service import OpenedApp, ProviderAppService

__all__ = ["OpenedApp", "ProviderAppNotFound", "ProviderAppService", "provider_app_json"]
