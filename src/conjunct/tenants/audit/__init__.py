"""The audit log: who changed what, when, by which request."""

from conjunct.tenants.audit.endpoints import router
from conjunct.tenants.audit.entries import ADMIN_CLI, ANONYMOUS, SYSTEM, Entry
from conjunct.tenants.audit.jobs import ensure_sweep, sweep_handler
from conjunct.tenants.audit.recording import audited, note_change, record_change, unaudited
from conjunct.tenants.audit.service import AuditLog, Filters, add_entry

__all__ = [
    "ADMIN_CLI",
    "ANONYMOUS",
    "SYSTEM",
    "AuditLog",
    "Entry",
    "Filters",
    "add_entry",
    "audited",
    "ensure_sweep",
    "note_change",
    "record_change",
    "router",
    "sweep_handler",
    "unaudited",
]
