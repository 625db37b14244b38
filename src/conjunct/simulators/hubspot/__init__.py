"""HubSpot's CRM API, version 3: objects, search, properties, schemas, OAuth."""

from conjunct.simulators.hubspot.simulator import HubSpot, create

__all__ = ["create", "HubSpot"]
