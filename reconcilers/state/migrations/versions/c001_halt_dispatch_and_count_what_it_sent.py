"""Keep halts of dispatch, and what budgets are counted by: customers, and times of calls."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c001"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "halts",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("halted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("halted_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resumed_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_halts")),
    )
    op.add_column("corrections", sa.Column("canonical_id", sa.Text(), nullable=True))
    op.create_index(op.f("ix_attempts_write_started_at"), "attempts", ["write_started_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_attempts_write_started_at"), "attempts")
    op.drop_column("corrections", "canonical_id")
    op.drop_table("halts")
