"""Keep the business events that a receiver refused, with its reason."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e002"
down_revision: str | None = "e001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "event_letters",
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sink", "event_id", name=op.f("pk_event_letters")),
    )


def downgrade() -> None:
    op.drop_table("event_letters")
