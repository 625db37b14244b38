"""SOQL: what a query says (`parse`) and what it finds (`Queries`)."""

from conjunct.simulators.salesforce.soql.parser import parse
from conjunct.simulators.salesforce.soql.running import Finding, Queries
from conjunct.simulators.salesforce.soql.syntax import Query

__all__ = ["parse", "Query", "Queries", "Finding"]
