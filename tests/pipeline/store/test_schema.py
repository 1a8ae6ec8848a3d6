"""The database as migrated, against the database as described."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from pipeline.errors import ConfigurationError
from pipeline.states import TRANSITIONS, JobState
from pipeline.store.cancellation import cancel_jobs
from pipeline.store.database_urls import driver_url
from pipeline.store.engine import Database, rows
from pipeline.store.migrating import alembic_config, migrate
from pipeline.store.retrying import retry_jobs
from pipeline.store.schema import (
    APPEND_ONLY,
    READER_ROLE,
    SCHEMA,
    SERVICE_ROLE,
    STORED_WITH,
    USER_TABLES,
    metadata,
)
from pipeline.store.transitions import Actor
from tests.pipeline.store.making import ANNA, job_row, open_space, register, source


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


async def test_storage_parameters_are_as_described(database: Database) -> None:
    """Each table is stored with the parameters that `schema.py` names, and no others."""
    described = {
        table.name: sorted(f"{name}={value}" for name, value in table.info[STORED_WITH].items())
        for table in metadata.tables.values()
        if STORED_WITH in table.info
    }
    found = sa.text(
        "SELECT c.relname, c.reloptions FROM pg_class AS c"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = :schema AND c.relkind = 'r' AND c.reloptions IS NOT NULL"
    )
    async with database.owner() as connection:
        stored = {
            row["relname"]: sorted(row["reloptions"])
            for row in await rows(connection, found, {"schema": SCHEMA})
        }
    assert described
    assert stored == described


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
    """The pipeline's role may insert and read events and accesses, never change or delete them."""
    for name in APPEND_ONLY:
        for statement in ("UPDATE {t} SET user_id = NULL", "DELETE FROM {t}"):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                async with database.service() as connection:
                    await connection.execute(sa.text(statement.format(t=name)))


async def test_details_of_an_event_can_only_be_erased(database: Database) -> None:
    """Erasing a user blots out what an event tells; nothing else can be put in its place."""
    insert = sa.text(
        f"INSERT INTO {SCHEMA}.job_events (user_id, event, actor, details)"
        " VALUES (gen_random_uuid(), 'moved', 'person', '{\"why\": \"a name\"}')"
    )
    change = f"UPDATE {SCHEMA}.job_events SET details = '{{}}'"
    erase = f"UPDATE {SCHEMA}.job_events SET details = jsonb_build_object('erased', true)"
    async with database.service() as connection:
        await connection.execute(insert)
    with pytest.raises(sa.exc.ProgrammingError, match="only be erased"):
        async with database.service() as connection:
            await connection.execute(sa.text(change))
    async with database.service() as connection:
        assert (await connection.execute(sa.text(erase))).rowcount == 1


def test_an_older_program_says_that_the_schema_is_newer(database_url: str) -> None:
    """A schema that serves it no more is refused in a sentence with what to do, and left alone."""
    newer = sa.text(
        f"UPDATE {SCHEMA}.alembic_version SET version_num = '9999';"
        f"UPDATE {SCHEMA}.installation SET oldest_program = '9999'"
    )
    engine = sa.create_engine(driver_url(database_url))
    with engine.begin() as connection:
        connection.execute(newer)
    engine.dispose()
    with pytest.raises(ConfigurationError, match=r"schema '9999', which .* does not know") as told:
        migrate(database_url)
    assert "Run the version that wrote it" in told.value.remedy


async def test_the_newest_migration_can_be_taken_back(database_url: str) -> None:
    """Down and up again: a cancelled job becomes a failed one, which can be retried as well."""
    database = Database(database_url)
    await open_space(database)
    [found] = await register(database, [source("a.md")])
    async with database.service() as connection:
        await cancel_jobs(connection, [found.job_id], ANNA, Actor("person"))
    await asyncio.to_thread(downgrade, database_url, "0001")
    assert (await job_row(database, found.job_id))["state"] == JobState.FAILED_PARSE
    await asyncio.to_thread(migrate, database_url)
    async with database.service() as connection:
        assert await retry_jobs(connection, [found.job_id], Actor("person"), ANNA)
    await database.close()


def downgrade(url: str, revision: str) -> None:
    """Take migrations back, as `migrate` makes them."""
    engine = sa.create_engine(driver_url(url))
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), revision)
    engine.dispose()
