"""Background jobs on Postgres: enqueue, claim, lease, retry, schedules."""
