"""first schema

Revision: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=True),
        sa.Column("org_id", sa.Text(collation="C"), nullable=True),
        sa.Column("time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("action", sa.Text(collation="C"), nullable=False),
        sa.Column("resource_kind", sa.Text(collation="C"), nullable=False),
        sa.Column("resource_id", sa.Text(collation="C"), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_entry_pkey")),
    )
    op.create_index(op.f("audit_entry_org_id_id_idx"), "audit_entry", ["org_id", "id"], unique=False)
    op.create_index(op.f("audit_entry_project_id_id_idx"), "audit_entry", ["project_id", "id"], unique=False)
    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_id", sa.Text(collation="C"), nullable=False),
        sa.Column("operation_id", sa.Text(collation="C"), nullable=True),
        sa.Column("message_id", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("elapsed_ms", sa.Integer(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("delivery_attempt_pkey")),
        postgresql_with={"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_vacuum_threshold": 10000},
    )
    op.create_index("delivery_attempt_destination_idx", "delivery_attempt", ["destination_id", "at"], unique=False)
    op.create_index(
        "delivery_attempt_failed_idx",
        "delivery_attempt",
        ["destination_id", "at"],
        unique=False,
        postgresql_where=sa.text("error is not null"),
    )
    op.create_index("delivery_attempt_message_idx", "delivery_attempt", ["project_id", "message_id"], unique=False)
    op.create_index(
        "delivery_attempt_operation_idx",
        "delivery_attempt",
        ["operation_id"],
        unique=False,
        postgresql_where=sa.text("operation_id is not null"),
    )
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.Text(collation="C"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("idempotency_key_pkey")),
    )
    op.create_index(op.f("idempotency_key_create_time_idx"), "idempotency_key", ["create_time"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("lane", sa.Text(collation="C"), nullable=True),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("ref_id", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.Text(collation="C"), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint(
            "state in ('ready', 'yielded', 'running', 'delayed', 'waiting', 'dead')", name=op.f("job_state_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("job_pkey")),
        postgresql_with={
            "fillfactor": 85,
            "autovacuum_vacuum_scale_factor": 0.02,
            "autovacuum_vacuum_threshold": 1000,
            "autovacuum_analyze_scale_factor": 0.05,
        },
    )
    op.create_index("job_dead_idx", "job", ["ended_at"], unique=False, postgresql_where=sa.text("state = 'dead'"))
    op.create_index("job_delayed_idx", "job", ["run_at"], unique=False, postgresql_where=sa.text("state = 'delayed'"))
    op.create_index(
        "job_lane_key",
        "job",
        ["lane"],
        unique=True,
        postgresql_where=sa.text("lane is not null and state in ('ready', 'yielded', 'running', 'delayed')"),
    )
    op.create_index("job_ready_idx", "job", ["tenant", "id"], unique=False, postgresql_where=sa.text("state = 'ready'"))
    op.create_index(
        "job_ref_idx",
        "job",
        ["tenant", "ref_id"],
        unique=False,
        postgresql_where=sa.text("state in ('delayed', 'waiting')"),
    )
    op.create_index("job_running_idx", "job", ["tenant"], unique=False, postgresql_where=sa.text("state = 'running'"))
    op.create_index(
        "job_waiting_idx", "job", ["lane", "id"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index(
        "job_yielded_idx", "job", ["tenant", "id"], unique=False, postgresql_where=sa.text("state = 'yielded'")
    )
    op.create_table(
        "key_rotation",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("seal_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("made", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sealed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finish_time", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('master', 'data')", name=op.f("key_rotation_kind_check")),
        sa.CheckConstraint("phase in ('making', 'waiting', 'sealing', 'done')", name=op.f("key_rotation_phase_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("key_rotation_pkey")),
    )
    op.create_table(
        "org",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("default_team_id", sa.Text(collation="C"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("org_pkey")),
    )
    op.create_table(
        "schedule",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("lane", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("ref_id", sa.Text(collation="C"), nullable=False),
        sa.Column("cron", sa.Text(collation="C"), nullable=False),
        sa.Column("timezone", sa.Text(collation="C"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("schedule_pkey")),
        postgresql_with={
            "fillfactor": 85,
            "autovacuum_vacuum_scale_factor": 0.02,
            "autovacuum_vacuum_threshold": 1000,
            "autovacuum_analyze_scale_factor": 0.05,
        },
    )
    op.create_index("schedule_next_at_idx", "schedule", ["next_at"], unique=False)
    op.create_table(
        "worker",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("host", sa.Text(collation="C"), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("worker_pkey")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "builder",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("org_id", sa.Text(collation="C"), nullable=True),
        sa.Column("role", sa.Text(collation="C"), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("idp_provider", sa.Text(), nullable=False),
        sa.Column("idp_ref", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["org.id"], name=op.f("builder_org_id_fkey"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("builder_pkey")),
        sa.UniqueConstraint("email", name=op.f("builder_email_key")),
    )
    op.create_index(op.f("builder_org_id_idx"), "builder", ["org_id"], unique=False)
    op.create_table(
        "claimed_domain",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("org_id", sa.Text(collation="C"), nullable=False),
        sa.Column("domain", sa.Text(collation="C"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["org_id"], ["org.id"], name=op.f("claimed_domain_org_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("claimed_domain_pkey")),
        sa.UniqueConstraint("domain", name=op.f("claimed_domain_domain_key")),
    )
    op.create_index(op.f("claimed_domain_org_id_idx"), "claimed_domain", ["org_id"], unique=False)
    op.create_table(
        "invite",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("org_id", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["org.id"], name=op.f("invite_org_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("invite_pkey")),
    )
    op.create_index(
        "invite_email_idx", "invite", ["email"], unique=False, postgresql_where=sa.text("status = 'pending'")
    )
    op.create_index(op.f("invite_org_id_idx"), "invite", ["org_id"], unique=False)
    op.create_index(
        "invite_pending_key", "invite", ["org_id", "email"], unique=True, postgresql_where=sa.text("status = 'pending'")
    )
    op.create_table(
        "project",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("org_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("app_name", sa.Text(), nullable=False),
        sa.Column("frontend_access", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["org_id"], ["org.id"], name=op.f("project_org_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("project_pkey")),
        sa.UniqueConstraint("org_id", "name", name=op.f("project_org_id_name_key")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("api_key_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("api_key_pkey")),
        sa.UniqueConstraint("digest", name=op.f("api_key_digest_key")),
    )
    op.create_index(op.f("api_key_project_id_idx"), "api_key", ["project_id"], unique=False)
    op.create_table(
        "builder_token",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("builder_id", sa.Text(collation="C"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["builder_id"], ["builder.id"], name=op.f("builder_token_builder_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("builder_token_pkey")),
        sa.UniqueConstraint("digest", name=op.f("builder_token_digest_key")),
    )
    op.create_index(op.f("builder_token_builder_id_idx"), "builder_token", ["builder_id"], unique=False)
    op.create_table(
        "consumer",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("consumer_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("consumer_name", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("consumer_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("consumer_pkey")),
        sa.UniqueConstraint("project_id", "consumer_ref", name=op.f("consumer_project_id_consumer_ref_key")),
    )
    op.create_table(
        "customer_group",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("group_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("customer_group_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("customer_group_pkey")),
        sa.UniqueConstraint("project_id", "group_ref", name=op.f("customer_group_project_id_group_ref_key")),
    )
    op.create_table(
        "delivery_bucket",
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("taken", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("delivery_bucket_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("delivery_bucket_pkey")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "delivery_hold",
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("owed", sa.BigInteger(), nullable=False),
        sa.Column("last_place", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("delivery_hold_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("delivery_hold_pkey")),
    )
    op.create_table(
        "delivery_payload",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("message_id", sa.Text(collation="C"), nullable=False),
        sa.Column("part", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("delivery_payload_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("delivery_payload_pkey")),
        sa.UniqueConstraint(
            "project_id", "message_id", "part", name=op.f("delivery_payload_project_id_message_id_part_key")
        ),
    )
    op.create_index(op.f("delivery_payload_expires_at_idx"), "delivery_payload", ["expires_at"], unique=False)
    op.create_table(
        "destination",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rate_per_second", sa.Integer(), nullable=True),
        sa.Column("ordered", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("keep_hours", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), server_default="enabled", nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consecutive_failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("breaker_openings", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("breaker_open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("breaker_probe_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('enabled', 'disabled')", name=op.f("destination_state_check")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("destination_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("destination_pkey")),
        sa.UniqueConstraint("project_id", "name", name=op.f("destination_project_id_name_key")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "destination_trouble_idx",
        "destination",
        ["state"],
        unique=False,
        postgresql_where=sa.text("state = 'disabled' or breaker_open_until is not null"),
    )
    op.create_table(
        "integration",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("latest_revision_id", sa.Text(collation="C"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("integration_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("integration_pkey")),
        sa.UniqueConstraint("project_id", "name", name=op.f("integration_project_id_name_key")),
    )
    op.create_table(
        "jwt_key",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("public_key_pem", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("jwt_key_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("jwt_key_pkey")),
    )
    op.create_index(op.f("jwt_key_project_id_idx"), "jwt_key", ["project_id"], unique=False)
    op.create_table(
        "own_provider",
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("own_provider_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("own_provider_pkey")),
    )
    op.create_table(
        "project_key",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("active_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("rotation_id", sa.Text(collation="C"), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("project_key_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("project_key_pkey")),
    )
    op.create_index(op.f("project_key_project_id_idx"), "project_key", ["project_id"], unique=False)
    op.create_table(
        "provider_app",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("provider", sa.Text(collation="C"), nullable=False),
        sa.Column("external_ref", sa.Text(collation="C"), nullable=True),
        sa.Column("client_id", sa.Text(collation="C"), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("provider_app_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("provider_app_pkey")),
    )
    op.create_index(
        "provider_app_registered_key",
        "provider_app",
        ["project_id", "provider", "client_id", "external_ref"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "token_revocation",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("connection_id", sa.Text(collation="C"), nullable=False),
        sa.Column("provider", sa.Text(collation="C"), nullable=False),
        sa.Column("sealed_grant", sa.LargeBinary(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("token_revocation_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("token_revocation_pkey")),
    )
    op.create_index(op.f("token_revocation_project_id_idx"), "token_revocation", ["project_id"], unique=False)
    op.create_table(
        "topic",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("topic_project_id_fkey"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("topic_pkey")),
        sa.UniqueConstraint("project_id", "name", name=op.f("topic_project_id_name_key")),
    )
    op.create_table(
        "connection",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("provider", sa.Text(collation="C"), nullable=False),
        sa.Column("group_id", sa.Text(collation="C"), nullable=False),
        sa.Column("consumer_id", sa.Text(collation="C"), nullable=False),
        sa.Column("provider_app_id", sa.Text(collation="C"), nullable=True),
        sa.Column("auth_scheme", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="created", nullable=False),
        sa.Column("provider_workspace_ref", sa.Text(), nullable=True),
        sa.Column("provider_consumer_ref", sa.Text(), nullable=True),
        sa.Column("provider_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("sealed_credentials", sa.LargeBinary(), nullable=False),
        sa.Column("access_token_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("throttled_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("refresh_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("keep_alive_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('created', 'working', 'bad_credentials')", name=op.f("connection_status_check")),
        sa.ForeignKeyConstraint(["consumer_id"], ["consumer.id"], name=op.f("connection_consumer_id_fkey")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("connection_group_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("connection_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["provider_app_id"], ["provider_app.id"], name=op.f("connection_provider_app_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("connection_pkey")),
    )
    op.create_index(
        op.f("connection_keep_alive_at_idx"),
        "connection",
        ["keep_alive_at"],
        unique=False,
        postgresql_where=sa.text("status <> 'bad_credentials'"),
    )
    op.create_index(
        op.f("connection_project_id_consumer_id_idx"), "connection", ["project_id", "consumer_id"], unique=False
    )
    op.create_index(
        op.f("connection_project_id_group_id_provider_idx"),
        "connection",
        ["project_id", "group_id", "provider"],
        unique=False,
    )
    op.create_index(op.f("connection_project_id_provider_idx"), "connection", ["project_id", "provider"], unique=False)
    op.create_index(op.f("connection_provider_app_id_idx"), "connection", ["provider_app_id"], unique=False)
    op.create_index(
        op.f("connection_refresh_at_idx"),
        "connection",
        ["refresh_at"],
        unique=False,
        postgresql_where=sa.text("used AND status <> 'bad_credentials'"),
    )
    op.create_table(
        "delivery_feed",
        sa.Column("destination_id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("last_place", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("removed_place", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("pulled_place", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["destination.id"], name=op.f("delivery_feed_destination_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("delivery_feed_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("destination_id", name=op.f("delivery_feed_pkey")),
    )
    op.create_table(
        "delivery_kept",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_id", sa.Text(collation="C"), nullable=False),
        sa.Column("operation_id", sa.Text(collation="C"), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("ordering_key", sa.Text(collation="C"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["destination.id"], name=op.f("delivery_kept_destination_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("delivery_kept_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("delivery_kept_pkey")),
    )
    op.create_index("delivery_kept_destination_idx", "delivery_kept", ["destination_id"], unique=False)
    op.create_index(
        "delivery_kept_number_idx",
        "delivery_kept",
        ["project_id", "destination_id", "number"],
        unique=False,
        postgresql_include=["size"],
        postgresql_where=sa.text("place is null"),
    )
    op.create_index(
        "delivery_kept_place_idx",
        "delivery_kept",
        ["project_id", "destination_id", "place"],
        unique=False,
        postgresql_include=["size"],
        postgresql_where=sa.text("place is not null"),
    )
    op.create_table(
        "delivery_message",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_id", sa.Text(collation="C"), nullable=False),
        sa.Column("operation_id", sa.Text(collation="C"), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("restart_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold", sa.Text(collation="C"), nullable=True),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.Column("ordering_key", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.CheckConstraint("state in ('pending', 'exhausted', 'held')", name=op.f("delivery_message_state_check")),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destination.id"],
            name=op.f("delivery_message_destination_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("delivery_message_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("delivery_message_pkey")),
    )
    op.create_index(
        "delivery_message_destination_idx", "delivery_message", ["destination_id", "create_time"], unique=False
    )
    op.create_index(
        "delivery_message_expires_at_idx",
        "delivery_message",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at is not null"),
    )
    op.create_index(
        "delivery_message_hold_idx",
        "delivery_message",
        ["project_id", "hold", "place"],
        unique=False,
        postgresql_include=["size"],
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "delivery_message_spool_idx",
        "delivery_message",
        ["project_id", "destination_id", "ordering_key", "number"],
        unique=False,
        postgresql_include=["size"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "delivery_recovery",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_id", sa.Text(collation="C"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exhausted", sa.Boolean(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("recovered", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("batch_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch_number", sa.BigInteger(), nullable=False),
        sa.Column("past_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("past_number", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destination.id"],
            name=op.f("delivery_recovery_destination_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("delivery_recovery_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("delivery_recovery_pkey")),
    )
    op.create_index(
        op.f("delivery_recovery_destination_id_id_idx"), "delivery_recovery", ["destination_id", "id"], unique=False
    )
    op.create_table(
        "event_topic_route",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("event_type", sa.Text(collation="C"), nullable=False),
        sa.Column("topic_id", sa.Text(collation="C"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("event_topic_route_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["topic_id"], ["topic.id"], name=op.f("event_topic_route_topic_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("event_topic_route_pkey")),
        sa.UniqueConstraint(
            "project_id", "event_type", "topic_id", name=op.f("event_topic_route_project_id_event_type_topic_id_key")
        ),
    )
    op.create_index(op.f("event_topic_route_topic_id_idx"), "event_topic_route", ["topic_id"], unique=False)
    op.create_table(
        "revision",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("integration_id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("spec_version", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("destructive", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integration.id"], name=op.f("revision_integration_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("revision_pkey")),
        sa.UniqueConstraint("integration_id", "number", name=op.f("revision_integration_id_number_key")),
    )
    op.create_table(
        "topic_destination_route",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("topic_id", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_id", sa.Text(collation="C"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["destination.id"],
            name=op.f("topic_destination_route_destination_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("topic_destination_route_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["topic_id"], ["topic.id"], name=op.f("topic_destination_route_topic_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("topic_destination_route_pkey")),
        sa.UniqueConstraint(
            "topic_id", "destination_id", name=op.f("topic_destination_route_topic_id_destination_id_key")
        ),
    )
    op.create_index(
        op.f("topic_destination_route_destination_id_idx"), "topic_destination_route", ["destination_id"], unique=False
    )
    op.create_index(
        op.f("topic_destination_route_project_id_idx"), "topic_destination_route", ["project_id"], unique=False
    )
    op.create_table(
        "connect_link",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("providers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("provider_app_id", sa.Text(collation="C"), nullable=True),
        sa.Column("group_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=True),
        sa.Column("consumer_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("consumer_name", sa.Text(), nullable=True),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("connection_id", sa.Text(collation="C"), nullable=True),
        sa.Column("connect_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("connect_link_connection_id_fkey"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("connect_link_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["provider_app_id"], ["provider_app.id"], name=op.f("connect_link_provider_app_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("connect_link_pkey")),
        sa.UniqueConstraint("token_digest", name=op.f("connect_link_token_digest_key")),
    )
    op.create_index(op.f("connect_link_connection_id_idx"), "connect_link", ["connection_id"], unique=False)
    op.create_index(op.f("connect_link_project_id_id_idx"), "connect_link", ["project_id", "id"], unique=False)
    op.create_index(op.f("connect_link_provider_app_id_idx"), "connect_link", ["provider_app_id"], unique=False)
    op.create_index("connect_link_sweep_idx", "connect_link", ["project_id", "expire_time"], unique=False)
    op.create_table(
        "connection_bucket",
        sa.Column("connection_id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("taken", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("connection_bucket_connection_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", "project_id", "name", name=op.f("connection_bucket_pkey")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("integration_id", sa.Text(collation="C"), nullable=False),
        sa.Column("group_id", sa.Text(collation="C"), nullable=False),
        sa.Column("connection_id", sa.Text(collation="C"), nullable=False),
        sa.Column("config_id", sa.Text(collation="C"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("installation_connection_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("installation_group_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integration.id"], name=op.f("installation_integration_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("installation_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("installation_pkey")),
        sa.UniqueConstraint("integration_id", "group_id", name=op.f("installation_integration_id_group_id_key")),
    )
    op.create_index(op.f("installation_connection_id_idx"), "installation", ["connection_id"], unique=False)
    op.create_index(op.f("installation_group_id_idx"), "installation", ["group_id"], unique=False)
    op.create_index(op.f("installation_project_id_id_idx"), "installation", ["project_id", "id"], unique=False)
    op.create_table(
        "token_exchange",
        sa.Column("connection_id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("claim_id", sa.Text(), nullable=True),
        sa.Column("claim_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("token_exchange_connection_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("token_exchange_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("token_exchange_pkey")),
    )
    op.create_index(op.f("token_exchange_look_at_idx"), "token_exchange", ["look_at"], unique=False)
    op.create_index(op.f("token_exchange_project_id_idx"), "token_exchange", ["project_id"], unique=False)
    op.create_table(
        "config",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("installation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("revision_id", sa.Text(collation="C"), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("retained", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("destinations", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["installation_id"], ["installation.id"], name=op.f("config_installation_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("config_pkey")),
    )
    op.create_index(op.f("config_installation_id_idx"), "config", ["installation_id"], unique=False)
    op.create_table(
        "custom_auth_session",
        sa.Column("session_digest", sa.LargeBinary(), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("provider", sa.Text(collation="C"), nullable=False),
        sa.Column("provider_app_id", sa.Text(collation="C"), nullable=True),
        sa.Column("group_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=True),
        sa.Column("consumer_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("consumer_name", sa.Text(), nullable=True),
        sa.Column("provider_workspace_ref", sa.Text(), nullable=True),
        sa.Column("provider_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("opener_origin", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sealed_values", sa.LargeBinary(), nullable=False),
        sa.Column("state_digest", sa.LargeBinary(), nullable=True),
        sa.Column("claim", sa.Text(), nullable=True),
        sa.Column("claim_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("connect_link_id", sa.Text(collation="C"), nullable=True),
        sa.Column("sealed_link_token", sa.LargeBinary(), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connect_link_id"],
            ["connect_link.id"],
            name=op.f("custom_auth_session_connect_link_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("custom_auth_session_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["provider_app_id"],
            ["provider_app.id"],
            name=op.f("custom_auth_session_provider_app_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_digest", name=op.f("custom_auth_session_pkey")),
        sa.UniqueConstraint("state_digest", name=op.f("custom_auth_session_state_digest_key")),
    )
    op.create_index(
        op.f("custom_auth_session_connect_link_id_idx"), "custom_auth_session", ["connect_link_id"], unique=False
    )
    op.create_index(
        op.f("custom_auth_session_project_id_expire_time_idx"),
        "custom_auth_session",
        ["project_id", "expire_time"],
        unique=False,
    )
    op.create_index(
        op.f("custom_auth_session_provider_app_id_idx"), "custom_auth_session", ["provider_app_id"], unique=False
    )
    op.create_table(
        "installation_trouble",
        sa.Column("installation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("object_name", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["installation_id"],
            ["installation.id"],
            name=op.f("installation_trouble_installation_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("installation_id", "object_name", "kind", name=op.f("installation_trouble_pkey")),
    )
    op.create_table(
        "oauth_flow",
        sa.Column("state_digest", sa.LargeBinary(), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("provider", sa.Text(collation="C"), nullable=False),
        sa.Column("provider_app_id", sa.Text(collation="C"), nullable=False),
        sa.Column("connection_id", sa.Text(collation="C"), nullable=True),
        sa.Column("group_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=True),
        sa.Column("consumer_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("consumer_name", sa.Text(), nullable=True),
        sa.Column("provider_workspace_ref", sa.Text(), nullable=True),
        sa.Column("provider_metadata", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("scopes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("sealed_verifier", sa.LargeBinary(), nullable=True),
        sa.Column("connect_link_id", sa.Text(collation="C"), nullable=True),
        sa.Column("sealed_link_token", sa.LargeBinary(), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connect_link_id"], ["connect_link.id"], name=op.f("oauth_flow_connect_link_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("oauth_flow_connection_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("oauth_flow_project_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["provider_app_id"], ["provider_app.id"], name=op.f("oauth_flow_provider_app_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("state_digest", name=op.f("oauth_flow_pkey")),
    )
    op.create_index(op.f("oauth_flow_connect_link_id_idx"), "oauth_flow", ["connect_link_id"], unique=False)
    op.create_index(op.f("oauth_flow_connection_id_idx"), "oauth_flow", ["connection_id"], unique=False)
    op.create_index(
        op.f("oauth_flow_project_id_expire_time_idx"), "oauth_flow", ["project_id", "expire_time"], unique=False
    )
    op.create_index(op.f("oauth_flow_provider_app_id_idx"), "oauth_flow", ["provider_app_id"], unique=False)
    op.create_table(
        "operation",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("integration_id", sa.Text(collation="C"), nullable=False),
        sa.Column("installation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("config_id", sa.Text(collation="C"), nullable=False),
        sa.Column("action_type", sa.Text(collation="C"), nullable=False),
        sa.Column("object_name", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("records_processed", sa.BigInteger(), nullable=False),
        sa.Column("records_estimated_total", sa.BigInteger(), nullable=True),
        sa.Column("retry_attempts", sa.Integer(), nullable=False),
        sa.Column("last_attempt", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lasting", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["installation_id"], ["installation.id"], name=op.f("operation_installation_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("operation_pkey")),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": 0.02,
            "autovacuum_vacuum_threshold": 10000,
            "fillfactor": 80,
        },
    )
    op.create_index(op.f("operation_installation_id_id_idx"), "operation", ["installation_id", "id"], unique=False)
    op.create_table(
        "read_object",
        sa.Column("installation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("object_name", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused", sa.Text(collation="C"), nullable=True),
        sa.Column("pause_note", sa.Text(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hopeless_failures", sa.Integer(), nullable=False),
        sa.Column("backfill_operation_id", sa.Text(collation="C"), nullable=True),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["installation_id"], ["installation.id"], name=op.f("read_object_installation_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("installation_id", "object_name", name=op.f("read_object_pkey")),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": 0.02,
            "autovacuum_vacuum_threshold": 10000,
            "fillfactor": 60,
        },
    )
    op.create_table(
        "operation_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("operation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("timestamp", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("severity", sa.Text(collation="C"), nullable=False),
        sa.Column("message", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("operation_log_operation_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("operation_log_pkey")),
        postgresql_with={"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_vacuum_threshold": 10000},
    )
    op.create_index(op.f("operation_log_operation_id_id_idx"), "operation_log", ["operation_id", "id"], unique=False)
    op.create_table(
        "read_run",
        sa.Column("operation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("installation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("object_name", sa.Text(collation="C"), nullable=False),
        sa.Column("config_id", sa.Text(collation="C"), nullable=False),
        sa.Column("read_type", sa.Text(collation="C"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("new_watermark", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("next_page", sa.Text(), nullable=True),
        sa.Column("at_deleted", sa.Boolean(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("failed_records", sa.BigInteger(), nullable=False),
        sa.Column("estimated", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("waits", sa.Integer(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("restarts", sa.Integer(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("guard", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("read_run_operation_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("read_run_pkey")),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": 0.02,
            "autovacuum_vacuum_threshold": 10000,
            "fillfactor": 60,
        },
    )
    op.create_index(
        "read_run_active_key",
        "read_run",
        ["installation_id", "object_name"],
        unique=True,
        postgresql_where=sa.text("active and read_type = 'scheduled'"),
    )
    op.create_table(
        "write_run",
        sa.Column("operation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("installation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("object_name", sa.Text(collation="C"), nullable=False),
        sa.Column("asked_name", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("gather_key", sa.Text(collation="C"), nullable=True),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retried_for", sa.Interval(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sending", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("sealed_results", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("write_run_operation_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("write_run_pkey")),
        postgresql_with={"fillfactor": 60},
    )
    op.create_index(op.f("write_run_deadline_idx"), "write_run", ["deadline"], unique=False)
    op.create_index(
        "write_run_gathering_key",
        "write_run",
        ["installation_id", "gather_key"],
        unique=True,
        postgresql_where=sa.text("state = 'gathering'"),
    )
    op.create_index(op.f("write_run_installation_id_idx"), "write_run", ["installation_id"], unique=False)
    op.create_index(
        op.f("write_run_project_id_idx"), "write_run", ["project_id"], unique=False, postgresql_include=["size"]
    )
    op.create_table(
        "write_part",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("operation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("project_id", sa.Text(collation="C"), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("sealed_request", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["write_run.operation_id"], name=op.f("write_part_operation_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("write_part_pkey")),
        sa.UniqueConstraint("operation_id", "place", name=op.f("write_part_operation_id_place_key")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("write_part")
    op.drop_index(op.f("write_run_project_id_idx"), table_name="write_run", postgresql_include=["size"])
    op.drop_index(op.f("write_run_installation_id_idx"), table_name="write_run")
    op.drop_index("write_run_gathering_key", table_name="write_run", postgresql_where=sa.text("state = 'gathering'"))
    op.drop_index(op.f("write_run_deadline_idx"), table_name="write_run")
    op.drop_table("write_run")
    op.drop_index(
        "read_run_active_key", table_name="read_run", postgresql_where=sa.text("active and read_type = 'scheduled'")
    )
    op.drop_table("read_run")
    op.drop_index(op.f("operation_log_operation_id_id_idx"), table_name="operation_log")
    op.drop_table("operation_log")
    op.drop_table("read_object")
    op.drop_index(op.f("operation_installation_id_id_idx"), table_name="operation")
    op.drop_table("operation")
    op.drop_index(op.f("oauth_flow_provider_app_id_idx"), table_name="oauth_flow")
    op.drop_index(op.f("oauth_flow_project_id_expire_time_idx"), table_name="oauth_flow")
    op.drop_index(op.f("oauth_flow_connection_id_idx"), table_name="oauth_flow")
    op.drop_index(op.f("oauth_flow_connect_link_id_idx"), table_name="oauth_flow")
    op.drop_table("oauth_flow")
    op.drop_table("installation_trouble")
    op.drop_index(op.f("custom_auth_session_provider_app_id_idx"), table_name="custom_auth_session")
    op.drop_index(op.f("custom_auth_session_project_id_expire_time_idx"), table_name="custom_auth_session")
    op.drop_index(op.f("custom_auth_session_connect_link_id_idx"), table_name="custom_auth_session")
    op.drop_table("custom_auth_session")
    op.drop_index(op.f("config_installation_id_idx"), table_name="config")
    op.drop_table("config")
    op.drop_index(op.f("token_exchange_project_id_idx"), table_name="token_exchange")
    op.drop_index(op.f("token_exchange_look_at_idx"), table_name="token_exchange")
    op.drop_table("token_exchange")
    op.drop_index(op.f("installation_project_id_id_idx"), table_name="installation")
    op.drop_index(op.f("installation_group_id_idx"), table_name="installation")
    op.drop_index(op.f("installation_connection_id_idx"), table_name="installation")
    op.drop_table("installation")
    op.drop_table("connection_bucket")
    op.drop_index("connect_link_sweep_idx", table_name="connect_link")
    op.drop_index(op.f("connect_link_provider_app_id_idx"), table_name="connect_link")
    op.drop_index(op.f("connect_link_project_id_id_idx"), table_name="connect_link")
    op.drop_index(op.f("connect_link_connection_id_idx"), table_name="connect_link")
    op.drop_table("connect_link")
    op.drop_index(op.f("topic_destination_route_project_id_idx"), table_name="topic_destination_route")
    op.drop_index(op.f("topic_destination_route_destination_id_idx"), table_name="topic_destination_route")
    op.drop_table("topic_destination_route")
    op.drop_table("revision")
    op.drop_index(op.f("event_topic_route_topic_id_idx"), table_name="event_topic_route")
    op.drop_table("event_topic_route")
    op.drop_index(op.f("delivery_recovery_destination_id_id_idx"), table_name="delivery_recovery")
    op.drop_table("delivery_recovery")
    op.drop_index(
        "delivery_message_spool_idx",
        table_name="delivery_message",
        postgresql_include=["size"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index(
        "delivery_message_hold_idx",
        table_name="delivery_message",
        postgresql_include=["size"],
        postgresql_where=sa.text("state = 'held'"),
    )
    op.drop_index(
        "delivery_message_expires_at_idx",
        table_name="delivery_message",
        postgresql_where=sa.text("expires_at is not null"),
    )
    op.drop_index("delivery_message_destination_idx", table_name="delivery_message")
    op.drop_table("delivery_message")
    op.drop_index(
        "delivery_kept_place_idx",
        table_name="delivery_kept",
        postgresql_include=["size"],
        postgresql_where=sa.text("place is not null"),
    )
    op.drop_index(
        "delivery_kept_number_idx",
        table_name="delivery_kept",
        postgresql_include=["size"],
        postgresql_where=sa.text("place is null"),
    )
    op.drop_index("delivery_kept_destination_idx", table_name="delivery_kept")
    op.drop_table("delivery_kept")
    op.drop_table("delivery_feed")
    op.drop_index(
        op.f("connection_refresh_at_idx"),
        table_name="connection",
        postgresql_where=sa.text("used AND status <> 'bad_credentials'"),
    )
    op.drop_index(op.f("connection_provider_app_id_idx"), table_name="connection")
    op.drop_index(op.f("connection_project_id_provider_idx"), table_name="connection")
    op.drop_index(op.f("connection_project_id_group_id_provider_idx"), table_name="connection")
    op.drop_index(op.f("connection_project_id_consumer_id_idx"), table_name="connection")
    op.drop_index(
        op.f("connection_keep_alive_at_idx"),
        table_name="connection",
        postgresql_where=sa.text("status <> 'bad_credentials'"),
    )
    op.drop_table("connection")
    op.drop_table("topic")
    op.drop_index(op.f("token_revocation_project_id_idx"), table_name="token_revocation")
    op.drop_table("token_revocation")
    op.drop_index("provider_app_registered_key", table_name="provider_app", postgresql_nulls_not_distinct=True)
    op.drop_table("provider_app")
    op.drop_index(op.f("project_key_project_id_idx"), table_name="project_key")
    op.drop_table("project_key")
    op.drop_table("own_provider")
    op.drop_index(op.f("jwt_key_project_id_idx"), table_name="jwt_key")
    op.drop_table("jwt_key")
    op.drop_table("integration")
    op.drop_index(
        "destination_trouble_idx",
        table_name="destination",
        postgresql_where=sa.text("state = 'disabled' or breaker_open_until is not null"),
    )
    op.drop_table("destination")
    op.drop_index(op.f("delivery_payload_expires_at_idx"), table_name="delivery_payload")
    op.drop_table("delivery_payload")
    op.drop_table("delivery_hold")
    op.drop_table("delivery_bucket")
    op.drop_table("customer_group")
    op.drop_table("consumer")
    op.drop_index(op.f("builder_token_builder_id_idx"), table_name="builder_token")
    op.drop_table("builder_token")
    op.drop_index(op.f("api_key_project_id_idx"), table_name="api_key")
    op.drop_table("api_key")
    op.drop_table("project")
    op.drop_index("invite_pending_key", table_name="invite", postgresql_where=sa.text("status = 'pending'"))
    op.drop_index(op.f("invite_org_id_idx"), table_name="invite")
    op.drop_index("invite_email_idx", table_name="invite", postgresql_where=sa.text("status = 'pending'"))
    op.drop_table("invite")
    op.drop_index(op.f("claimed_domain_org_id_idx"), table_name="claimed_domain")
    op.drop_table("claimed_domain")
    op.drop_index(op.f("builder_org_id_idx"), table_name="builder")
    op.drop_table("builder")
    op.drop_table("worker")
    op.drop_index("schedule_next_at_idx", table_name="schedule")
    op.drop_table("schedule")
    op.drop_table("org")
    op.drop_table("key_rotation")
    op.drop_index("job_yielded_idx", table_name="job", postgresql_where=sa.text("state = 'yielded'"))
    op.drop_index("job_waiting_idx", table_name="job", postgresql_where=sa.text("state = 'waiting'"))
    op.drop_index("job_running_idx", table_name="job", postgresql_where=sa.text("state = 'running'"))
    op.drop_index("job_ref_idx", table_name="job", postgresql_where=sa.text("state in ('delayed', 'waiting')"))
    op.drop_index("job_ready_idx", table_name="job", postgresql_where=sa.text("state = 'ready'"))
    op.drop_index(
        "job_lane_key",
        table_name="job",
        postgresql_where=sa.text("lane is not null and state in ('ready', 'yielded', 'running', 'delayed')"),
    )
    op.drop_index("job_delayed_idx", table_name="job", postgresql_where=sa.text("state = 'delayed'"))
    op.drop_index("job_dead_idx", table_name="job", postgresql_where=sa.text("state = 'dead'"))
    op.drop_table("job")
    op.drop_index(op.f("idempotency_key_create_time_idx"), table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index(
        "delivery_attempt_operation_idx",
        table_name="delivery_attempt",
        postgresql_where=sa.text("operation_id is not null"),
    )
    op.drop_index("delivery_attempt_message_idx", table_name="delivery_attempt")
    op.drop_index(
        "delivery_attempt_failed_idx", table_name="delivery_attempt", postgresql_where=sa.text("error is not null")
    )
    op.drop_index("delivery_attempt_destination_idx", table_name="delivery_attempt")
    op.drop_table("delivery_attempt")
    op.drop_index(op.f("audit_entry_project_id_id_idx"), table_name="audit_entry")
    op.drop_index(op.f("audit_entry_org_id_id_idx"), table_name="audit_entry")
    op.drop_table("audit_entry")
