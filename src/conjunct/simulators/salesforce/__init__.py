"""Salesforce's REST API: queries, records, collections, bulk jobs, tooling, sign-in."""

from conjunct.simulators.salesforce.simulator import Salesforce, create

__all__ = ["create", "Salesforce"]
