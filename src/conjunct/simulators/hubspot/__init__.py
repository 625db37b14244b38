"""HubSpot: the objects of its CRM and what they are associated with, searches, metadata, lists, marketing, OAuth."""

from conjunct.simulators.hubspot.simulator import HubSpot, create

__all__ = ["create", "HubSpot"]
