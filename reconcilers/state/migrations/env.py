"""Alembic's entry point: runs on the connection that `open_state` hands over."""

from alembic import context

from reconcilers.state.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter most of a table in place
)
with context.begin_transaction():
    context.run_migrations()
