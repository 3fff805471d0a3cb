"""Run by Alembic: migrate over the connection that `upgrade` was given."""

from alembic import context
from polyglance.data.catalog.models import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
