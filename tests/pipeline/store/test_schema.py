"""The database as migrated, against the database as described."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from pipeline.states import TRANSITIONS, JobState
from pipeline.store.engine import Database, migrate, rows
from pipeline.store.schema import READER_ROLE, SCHEMA, SERVICE_ROLE, USER_TABLES, metadata


async def test_migrated_and_described_schemas_agree(database: Database) -> None:
    """Alembic finds nothing to change between the migrated database and `schema.py`."""

    def differences(connection: sa.Connection) -> list[Any]:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
            "compare_type": True,
            "compare_server_default": True,
            "version_table_schema": SCHEMA,
        }
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))

    async with database.owner() as connection:
        assert await connection.run_sync(differences) == []


async def test_every_user_table_forces_row_level_security(database: Database) -> None:
    """Each table with a user_id has row-level security enabled, forced, and both policies."""
    query = sa.text(
        """
        SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced,
               array(SELECT polname::text FROM pg_policy
                     WHERE polrelid = c.oid ORDER BY 1) AS policies
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind IN ('r', 'p')
          AND a.attname = 'user_id'
        """
    )
    async with database.owner() as connection:
        found = await rows(connection, query, {"schema": SCHEMA})
    assert {row["relname"] for row in found} == {table.name for table in USER_TABLES}
    for row in found:
        assert row["forced"], row["relname"]
        assert row["policies"] == ["reader", "service"], row["relname"]


async def test_database_knows_the_same_transitions(database: Database) -> None:
    """The trigger's table holds exactly the pairs of `pipeline.states.TRANSITIONS`."""
    query = sa.text(f"SELECT source, target FROM {SCHEMA}.state_transitions")
    async with database.service() as connection:
        stored = {(row["source"], row["target"]) for row in await rows(connection, query)}
    assert stored == {(a.value, b.value) for a, targets in TRANSITIONS.items() for b in targets}


async def test_database_knows_the_same_states(database: Database) -> None:
    """The CHECK constraint on a job's state names exactly the members of `JobState`."""
    query = sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name")
    async with database.owner() as connection:
        definition = await connection.scalar(query, {"name": "upload_jobs_state_check"})
    assert set(definition.split("'")[1::2]) == {s.value for s in JobState}


async def test_nothing_of_role_or_user_stays_on_a_pooled_connection(database_url: str) -> None:
    """After a reader's transaction the same pooled connection is the login role again."""
    database = Database(database_url, pool_size=1)
    query = sa.text(
        "SELECT pg_backend_pid() AS pid, current_user AS role,"
        " current_setting('navigator.user_id', true) AS user_id"
    )
    from uuid import uuid4

    async with database.reader(uuid4()) as connection:
        before = (await rows(connection, query))[0]
    async with database.owner() as connection:
        after = (await rows(connection, query))[0]
    await database.close()
    assert before["pid"] == after["pid"]
    assert before["role"] == READER_ROLE
    assert after["role"] not in (READER_ROLE, SERVICE_ROLE)
    assert after["user_id"] in (None, "")


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    """A database that is at the newest revision is left as it is."""
    migrate(database_url)
    migrate(database_url)


async def test_the_audit_can_only_be_added_to(database: Database) -> None:
    """The pipeline's role may insert and read job events, never change or delete them."""
    for statement in ("UPDATE {t} SET event = 'x'", "DELETE FROM {t}"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            async with database.service() as connection:
                await connection.execute(sa.text(statement.format(t=f"{SCHEMA}.job_events")))
