"""`Idempotency-Key`: a POST that is sent again with the same key is answered again, and done once."""

from conjunct.tenants.idempotency.dependency import HEADER, LONGEST_KEY, idempotent
from conjunct.tenants.idempotency.jobs import ensure_sweep, sweep_handler
from conjunct.tenants.idempotency.service import IdempotencyService

__all__ = ["HEADER", "LONGEST_KEY", "IdempotencyService", "ensure_sweep", "idempotent", "sweep_handler"]
