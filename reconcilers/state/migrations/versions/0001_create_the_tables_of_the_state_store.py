"""Create the tables of the state store."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous_sha256", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit")),
    )
    op.create_table(
        "audit_head",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "corrections",
        sa.Column("correction_id", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("exception_key", sa.String(length=64), nullable=False),
        sa.Column("snapshot_date", sa.Date(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("attribute", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("expected_version", sa.Text(), nullable=False),
        sa.Column("watermark_object", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("impact_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("impact_reporting_minor", sa.BigInteger(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("assignee", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("refusals", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict_on", sa.Date(), nullable=True),
        sa.Column("target_record_id", sa.Text(), nullable=True),
        sa.Column("writes", sa.BigInteger(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_corrections")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_corrections_idempotency_key")),
    )
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_corrections_exception_key"), ["exception_key"], unique=False
        )
        batch_op.create_index("ix_corrections_state_system", ["state", "system"], unique=False)

    op.create_table(
        "exceptions",
        sa.Column("exception_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("last_seen_on", sa.Date(), nullable=False),
        sa.Column("resolved_on", sa.Date(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("age_days", sa.BigInteger(), nullable=False),
        sa.Column("nights_seen", sa.BigInteger(), nullable=False),
        sa.Column("episode", sa.BigInteger(), nullable=False),
        sa.Column("is_ineffective", sa.Boolean(), nullable=False),
        sa.Column("waived_until", sa.Date(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("canonical_id", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("comparison", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("owner_role", sa.Text(), nullable=True),
        sa.Column("owner_system", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("replica_role", sa.Text(), nullable=True),
        sa.Column("replica_system", sa.Text(), nullable=True),
        sa.Column("replica_id", sa.Text(), nullable=True),
        sa.Column("attribute", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=True),
        sa.Column("observed", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("impact_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("impact_reporting_minor", sa.BigInteger(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("legal_entity", sa.Text(), nullable=True),
        sa.Column("period", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("exception_key", name=op.f("pk_exceptions")),
    )
    with op.batch_alter_table("exceptions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exceptions_state"), ["state"], unique=False)

    op.create_table(
        "identity_registry",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("canonical_customer_id", sa.Text(), nullable=False),
        sa.Column("first_seen_date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("system", "source_id", name=op.f("pk_identity_registry")),
    )
    with op.batch_alter_table("identity_registry", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_identity_registry_canonical_customer_id"),
            ["canonical_customer_id"],
            unique=False,
        )

    op.create_table(
        "nights",
        sa.Column("snapshot_date", sa.Date(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("findings_sha256", sa.Text(), nullable=False),
        sa.Column("exceptions", sa.BigInteger(), nullable=False),
        sa.Column("in_flight", sa.BigInteger(), nullable=False),
        sa.Column("unproven", sa.BigInteger(), nullable=False),
        sa.Column("watermarks", sa.Text(), nullable=False),
        sa.Column("unproven_comparisons", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_date", name=op.f("pk_nights")),
    )
    op.create_table(
        "observations",
        sa.Column("exception_key", sa.String(length=64), nullable=False),
        sa.Column("snapshot_date", sa.Date(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("canonical_id", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("comparison", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("owner_role", sa.Text(), nullable=True),
        sa.Column("owner_system", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("replica_role", sa.Text(), nullable=True),
        sa.Column("replica_system", sa.Text(), nullable=True),
        sa.Column("replica_id", sa.Text(), nullable=True),
        sa.Column("attribute", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=True),
        sa.Column("observed", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("impact_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("impact_reporting_minor", sa.BigInteger(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("legal_entity", sa.Text(), nullable=True),
        sa.Column("period", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("exception_key", "snapshot_date", name=op.f("pk_observations")),
    )
    with op.batch_alter_table("observations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_observations_snapshot_date"), ["snapshot_date"], unique=False
        )

    op.create_table(
        "tieouts",
        sa.Column("snapshot_date", sa.Date(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("left_label", sa.Text(), nullable=False),
        sa.Column("left_rows", sa.BigInteger(), nullable=True),
        sa.Column("left_minor", sa.BigInteger(), nullable=True),
        sa.Column("right_label", sa.Text(), nullable=False),
        sa.Column("right_rows", sa.BigInteger(), nullable=True),
        sa.Column("right_minor", sa.BigInteger(), nullable=True),
        sa.Column("matched_minor", sa.BigInteger(), nullable=True),
        sa.Column("explained_minor", sa.BigInteger(), nullable=True),
        sa.Column("unexplained_rows", sa.BigInteger(), nullable=True),
        sa.Column("unexplained_minor", sa.BigInteger(), nullable=True),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(
            "snapshot_date", "code", "scope", "currency", "period", name=op.f("pk_tieouts")
        ),
    )
    op.create_table(
        "waivers",
        sa.Column("waiver_id", sa.Text(), nullable=False),
        sa.Column("exception_key", sa.String(length=64), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("impact_reporting_minor", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("waiver_id", name=op.f("pk_waivers")),
    )
    with op.batch_alter_table("waivers", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_waivers_exception_key"), ["exception_key"], unique=False
        )

    op.create_table(
        "approvals",
        sa.Column("correction_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["correction_id"],
            ["corrections.correction_id"],
            name=op.f("fk_approvals_correction_id_corrections"),
        ),
        sa.PrimaryKeyConstraint("correction_id", "number", name=op.f("pk_approvals")),
    )
    op.create_table(
        "attempts",
        sa.Column("correction_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("write_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("body_excerpt", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["correction_id"],
            ["corrections.correction_id"],
            name=op.f("fk_attempts_correction_id_corrections"),
        ),
        sa.PrimaryKeyConstraint("correction_id", "number", name=op.f("pk_attempts")),
    )
    heads = sa.table("audit_head", sa.column("chain"), sa.column("sequence"), sa.column("sha256"))
    op.bulk_insert(heads, [{"chain": "main", "sequence": 0, "sha256": "0" * 64}])


def downgrade() -> None:
    op.drop_table("attempts")
    op.drop_table("approvals")
    with op.batch_alter_table("waivers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_waivers_exception_key"))

    op.drop_table("waivers")
    op.drop_table("tieouts")
    with op.batch_alter_table("observations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_observations_snapshot_date"))

    op.drop_table("observations")
    op.drop_table("nights")
    with op.batch_alter_table("identity_registry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identity_registry_canonical_customer_id"))

    op.drop_table("identity_registry")
    with op.batch_alter_table("exceptions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_exceptions_state"))

    op.drop_table("exceptions")
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.drop_index("ix_corrections_state_system")
        batch_op.drop_index(batch_op.f("ix_corrections_exception_key"))

    op.drop_table("corrections")
    op.drop_table("audit_head")
    op.drop_table("audit")
