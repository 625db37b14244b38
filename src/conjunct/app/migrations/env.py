"""How Alembic reaches the database: on the connection that `conjunct.app.migrate` hands over."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes.get("metadata"),  # only a comparison with the models needs it
    transactional_ddl=True,
)
context.run_migrations()
