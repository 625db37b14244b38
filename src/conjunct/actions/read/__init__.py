"""Read records on a schedule, as a backfill or on demand, and hand them to delivery."""
