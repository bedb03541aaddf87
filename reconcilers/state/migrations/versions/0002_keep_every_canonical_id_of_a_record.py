"""Keep every canonical id that a record ever had, redirects of ids, and what happened to them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "identity_assignments",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("snapshot_date", sa.Date(), nullable=False),
        sa.Column("canonical_customer_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "system", "source_id", "snapshot_date", name=op.f("pk_identity_assignments")
        ),
    )
    op.create_table(
        "identity_aliases",
        sa.Column("old_id", sa.Text(), nullable=False),
        sa.Column("new_id", sa.Text(), nullable=False),
        sa.Column("snapshot_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "old_id", "new_id", "snapshot_date", name=op.f("pk_identity_aliases")
        ),
    )
    op.create_table(
        "identity_events",
        sa.Column("snapshot_date", sa.Date(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("canonical_customer_id", sa.Text(), nullable=False),
        sa.Column("other_id", sa.Text(), nullable=True),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_date", "number", name=op.f("pk_identity_events")),
    )
    for table, column in _INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.execute(
        "insert into identity_assignments "
        "(system, source_id, snapshot_date, canonical_customer_id) "
        "select system, source_id, first_seen_date, canonical_customer_id from identity_registry"
    )
    op.drop_index("ix_identity_registry_canonical_customer_id", "identity_registry")
    op.drop_table("identity_registry")


def downgrade() -> None:
    op.create_table(
        "identity_registry",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("canonical_customer_id", sa.Text(), nullable=False),
        sa.Column("first_seen_date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("system", "source_id", name=op.f("pk_identity_registry")),
    )
    op.create_index(
        op.f("ix_identity_registry_canonical_customer_id"),
        "identity_registry",
        ["canonical_customer_id"],
    )
    op.execute(
        "insert into identity_registry (system, source_id, canonical_customer_id, first_seen_date) "
        "select system, source_id, canonical_customer_id, snapshot_date "
        "from identity_assignments as a "
        "where snapshot_date = (select min(snapshot_date) from identity_assignments as b "
        "where a.system = b.system and a.source_id = b.source_id)"
    )
    for table, column in _INDEXES:
        op.drop_index(op.f(f"ix_{table}_{column}"), table)
    for table in ("identity_events", "identity_aliases", "identity_assignments"):
        op.drop_table(table)


_INDEXES = (
    ("identity_assignments", "snapshot_date"),
    ("identity_assignments", "canonical_customer_id"),
    ("identity_aliases", "snapshot_date"),
    ("identity_events", "canonical_customer_id"),
)
