"""Alembic's entry: migrates over the connection that `pipeline.store.migrating` hands in."""

from alembic import context

from pipeline.store.schema import SCHEMA, metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
