"""Keep which other exception an exception follows from."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e003"
down_revision: str | None = "e002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLES = ("observations", "exceptions")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("explained_by", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "explained_by")
