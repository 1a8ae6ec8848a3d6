"""The database's structure, read from the catalogs and compared with what is declared."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
import sqlalchemy as sa

from pipeline.store.database_roles import OWNER_LOGIN, SERVICE_LOGIN
from pipeline.store.engine import Database
from pipeline.store.schema import SCHEMA
from pipeline.store.structure import Structure, differences, read_structure
from tests.pipeline.store.making import open_space

CHANGES = {
    "a table": ("CREATE TABLE {s}.notes (id int)", ("extra", "table", "notes")),
    "a view": ("CREATE VIEW {s}.all_names AS SELECT 1 AS n", ("extra", "view", "all_names")),
    "a column": (
        "ALTER TABLE {s}.documents ADD COLUMN note text",
        ("extra", "column", "documents.note"),
    ),
    "a default": (
        "ALTER TABLE {s}.uploads ALTER COLUMN tags DROP DEFAULT",
        ("other", "column", "uploads.tags"),
    ),
    "a nullability": (
        "ALTER TABLE {s}.uploads ALTER COLUMN name DROP NOT NULL",
        ("other", "column", "uploads.name"),
    ),
    "a constraint": (
        "ALTER TABLE {s}.provider_budgets DROP CONSTRAINT provider_budgets_circuit_check",
        ("missing", "constraint", "provider_budgets.provider_budgets_circuit_check"),
    ),
    "an index": (
        "DROP INDEX {s}.uploads_user_id_idx",
        ("missing", "index", "uploads_user_id_idx"),
    ),
    "a trigger": (
        "ALTER TABLE {s}.job_events DISABLE TRIGGER job_events_erased_only",
        ("other", "trigger", "job_events.job_events_erased_only"),
    ),
    "a function": (
        "CREATE OR REPLACE FUNCTION {s}.refuse_other_changes() RETURNS trigger"
        " LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        ("other", "function", "refuse_other_changes()"),
    ),
    "a policy": (
        "ALTER POLICY reader ON {s}.documents USING (true)",
        ("other", "policy", "documents.reader"),
    ),
    "a policy more": (
        "CREATE POLICY all_rows ON {s}.documents FOR SELECT TO navigator_reader USING (true)",
        ("extra", "policy", "documents.all_rows"),
    ),
    "security not forced": (
        "ALTER TABLE {s}.documents NO FORCE ROW LEVEL SECURITY",
        ("other", "row security", "documents"),
    ),
    "security off": (
        "ALTER TABLE {s}.documents DISABLE ROW LEVEL SECURITY",
        ("missing", "row security", "documents"),
    ),
    "a grant": (
        "GRANT DELETE ON {s}.job_events TO navigator_service",
        ("other", "grant", "job_events to navigator_service"),
    ),
    "a grant to everybody": (
        "GRANT SELECT ON {s}.documents TO public",
        ("extra", "grant", "documents to everybody"),
    ),
    "a grant of a column": (
        "GRANT UPDATE (state) ON {s}.upload_jobs TO navigator_reader",
        ("extra", "grant", "upload_jobs.state to navigator_reader"),
    ),
    "a grant of what comes": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {s} GRANT SELECT ON TABLES TO navigator_reader",
        ("extra", "grant", "whatever is made later by postgres (r) to navigator_reader"),
    ),
    "a rule": (
        "CREATE RULE nothing AS ON DELETE TO {s}.uploads DO INSTEAD NOTHING",
        ("extra", "rule", "uploads.nothing"),
    ),
    "a type": ("CREATE TYPE {s}.color AS ENUM ('red')", ("extra", "type", "color")),
    "a storage parameter": (
        "ALTER TABLE {s}.document_chunks RESET (toast_tuple_target)",
        ("other", "table", "document_chunks"),
    ),
    "an owner": ("ALTER TABLE {s}.uploads OWNER TO postgres", ("other", "table", "uploads")),
    "a transition": (
        "INSERT INTO {s}.state_transitions VALUES ('deleted', 'complete')",
        ("extra", "transition", "deleted to complete"),
    ),
    "the revision": (
        "UPDATE {s}.alembic_version SET version_num = '0001'",
        ("other", "revision", "schema"),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_each_change_is_one_difference(database: Database, change: str) -> None:
    """Whatever is changed by hand is found, by its kind and name, and nothing else is."""
    statement, expected = CHANGES[change]
    before = await read_structure(database)
    await execute(database, statement.format(s=SCHEMA))
    found = differences(before, await read_structure(database))
    assert expected in [(each.what, each.kind, each.name) for each in found]
    # An object of its own kind brings columns with it, nothing more.
    assert {each.name.partition(".")[0] for each in found} == {expected[2].partition(".")[0]}


async def test_a_structure_is_the_same_as_json(database: Database) -> None:
    """What was written as JSON and read again is equal to what the catalogs said."""
    await open_space(database)
    read = await read_structure(database)
    assert read.partitions
    assert Structure.from_json(json.loads(json.dumps(read.as_json()))) == read


async def test_embedding_spaces_are_told_and_make_no_difference(database: Database) -> None:
    """A partition that is made while documents are embedded is no difference, its index neither."""
    before = await read_structure(database)
    await open_space(database)
    [made] = (found := await read_structure(database)).partitions
    await execute(
        database,
        f"CREATE INDEX {made.name}_hnsw ON {SCHEMA}.{made.name}"
        " USING hnsw ((embedding::public.vector(384)) public.vector_cosine_ops)",
    )
    indexed = await read_structure(database)
    assert differences(before, found) == []
    assert differences(found, indexed) == []
    assert "USING hnsw" in indexed.partitions[0].indexes[0]


async def test_a_partition_without_its_policy_is_a_difference(database: Database) -> None:
    """Each embedding space is protected as any other is, or it is told."""
    await open_space(database)
    before = await read_structure(database)
    [made] = before.partitions
    await execute(database, f"DROP POLICY reader ON {SCHEMA}.{made.name}")
    [found] = differences(before, await read_structure(database))
    assert (found.what, found.kind, found.name, found.partition) == (
        "missing",
        "policy",
        "*.reader",
        made.name,
    )


async def test_a_login_that_inherits_is_a_difference(database: Database) -> None:
    """A login that sees every user's rows without taking a role is told by its name."""
    before = await read_structure(database)
    login = f"reporting_{uuid4().hex[:8]}"
    await execute(database, f"CREATE ROLE {login} LOGIN")
    try:
        await execute(database, f"GRANT navigator_service TO {login} WITH INHERIT TRUE")
        [found] = differences(before, await read_structure(database))
    finally:
        await execute(database, f"DROP ROLE {login}")
    assert (found.what, found.kind, found.name) == (
        "extra",
        "membership",
        f"{login} in navigator_service",
    )


def _missing_extension(structure: Structure) -> Structure:
    kept = tuple(each for each in structure.facts if each.kind != "extension")
    return Structure(structure.revision, kept)


def _with_extension(structure: Structure, definition: str) -> Structure:
    [one] = [each for each in structure.facts if each[:2] == ("extension", "vector")]
    kept = _missing_extension(structure)
    return Structure(kept.revision, (*kept.facts, one._replace(definition=definition)))


@pytest.mark.parametrize(
    ("expected", "found", "differ"),
    [
        ("0.8.1", "0.8.2", True),
        (">= 0.8.0", "0.8.0", False),
        (">= 0.8.0", "0.10.1", False),
        (">= 0.8.0", "0.7.4", True),
    ],
)
async def test_an_extension_has_the_version_or_a_newer_one(
    database: Database, expected: str, found: str, differ: bool
) -> None:
    """An extension's version is compared as it is, or with the least that is demanded."""
    read = await read_structure(database)
    made = differences(_with_extension(read, expected), _with_extension(read, found))
    assert bool(made) is differ


async def test_only_extensions_that_are_needed_count(database: Database) -> None:
    """An extension that the server's owner added is no difference; a missing one of ours is."""
    read = await read_structure(database)
    without = _missing_extension(read)
    assert differences(without, read) == []
    assert [each.what for each in differences(read, without)] == ["missing"] * 2


@pytest.mark.parametrize("login", [SERVICE_LOGIN, OWNER_LOGIN])
async def test_every_login_reads_the_same(database: Database, login: str) -> None:
    """Owner and pipeline, neither of them a superuser, see what a superuser sees."""
    url = database.engine.url.set(username=login).render_as_string(hide_password=False)
    other = Database(url)
    try:
        found = differences(await read_structure(database), await read_structure(other))
    finally:
        await other.close()
    assert found == []


async def execute(database: Database, statement: str) -> None:
    """As a superuser, by hand."""
    async with database.owner() as connection:
        await connection.execute(sa.text(statement))
