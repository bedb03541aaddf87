"""Find lines of the audit by what was done, and by what it was done to."""

from collections.abc import Sequence

from alembic import op

revision: str = "r001"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

COLUMNS = ("action", "subject")


def upgrade() -> None:
    for column in COLUMNS:
        op.create_index(f"ix_audit_{column}", "audit", [column])


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_index(f"ix_audit_{column}", "audit")
