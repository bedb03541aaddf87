"""Keep until when a correction may be sent; those planned before this know no end."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c002"
down_revision: str | None = "c001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("corrections", sa.Column("valid_hours", sa.BigInteger(), nullable=True))
    op.add_column("corrections", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("corrections", "expires_at")
    op.drop_column("corrections", "valid_hours")
