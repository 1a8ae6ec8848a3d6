"""Drift of the database: found against the declared structure, made again where that is safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deployments.drift.database_drift import database_drift
from deployments.drift.database_repair import repair_database
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings, load_settings
from pipeline.store.engine import Database
from pipeline.store.schema import SCHEMA
from pipeline.store.structure import StructureDifference
from pipeline.store.structure.repairing import repair_structure
from tests.pipeline.store.making import open_space


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Of a process whose database is the test's."""
    values: dict[str, Any] = {"database_url": database_url, "home": tmp_path}
    return load_settings(**values)


async def execute(database: Database, *statements: str) -> None:
    """By hand, as a superuser."""
    for statement in statements:
        async with database.owner() as connection:
            await connection.execute(sa.text(statement.format(s=SCHEMA)))


async def test_a_migrated_database_has_no_drift(database: Database, settings: Settings) -> None:
    """What the migrations build is what is declared, an embedding space included."""
    await open_space(database)
    assert await database_drift(settings) == []


async def test_what_is_missing_is_made_again(database: Database, settings: Settings) -> None:
    """Indexes, policies and row-level security come back as declared, on partitions too."""
    await open_space(database)
    async with database.owner() as connection:
        name = await connection.scalar(
            sa.text("SELECT relname FROM pg_class WHERE relname ~ '^chunk_vectors_[0-9a-f]{16}$'")
        )
    await execute(
        database,
        "DROP INDEX {s}.uploads_user_id_idx",
        "DROP INDEX {s}.chunk_vectors_space_id_sha256_user_id_idx",
        "DROP POLICY reader ON {s}.documents",
        "ALTER POLICY reader ON {s}.uploads USING (true)",
        "ALTER TABLE {s}.documents DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE {s}.uploads NO FORCE ROW LEVEL SECURITY",
        f"DROP POLICY service ON {{s}}.{name}",
    )
    found = await database_drift(settings)
    assert {each.subject for each in found} == {
        "index uploads_user_id_idx",
        "index chunk_vectors_space_id_sha256_user_id_idx",
        f"index {name}_space_id_sha256_user_id_idx",
        "policy documents.reader",
        "policy uploads.reader",
        "row security documents",
        "row security uploads",
        f"policy {name}.service",
    }
    assert all(each.is_repairable and each.means for each in found)
    await repair_database(settings, found)
    assert await database_drift(settings) == []


async def test_only_what_was_chosen_is_made_again(database: Database, settings: Settings) -> None:
    """What is accepted is left: nothing but the chosen differences is touched."""
    await execute(
        database, "DROP INDEX {s}.uploads_user_id_idx", "DROP POLICY reader ON {s}.documents"
    )
    index, policy = await database_drift(settings)
    await repair_database(settings, [policy])
    assert [each.what for each in await database_drift(settings)] == [index.what]


async def test_what_only_a_person_should_do_is_told(database: Database, settings: Settings) -> None:
    """Extra objects stay, and so does what would have to be dropped or could hold rows."""
    await execute(
        database,
        "CREATE TABLE {s}.mine (id int)",
        "CREATE POLICY everybody ON {s}.documents FOR SELECT TO navigator_reader USING (true)",
        "ALTER TABLE {s}.job_events DISABLE TRIGGER job_events_erased_only",
        "ALTER TABLE {s}.uploads DROP COLUMN tags",
        "GRANT SELECT ON {s}.documents TO public",
        "DROP POLICY reader ON {s}.uploads",
        "CREATE POLICY reader ON {s}.uploads FOR ALL TO navigator_reader USING (true)",
    )
    found = await database_drift(settings)
    assert {each.subject for each in found} == {
        "table mine",
        "column mine.id",
        "policy documents.everybody",
        "trigger job_events.job_events_erased_only",
        "column uploads.tags",
        "grant documents to everybody",
        "policy uploads.reader",
    }
    assert not any(each.is_repairable for each in found)
    assert all(each.remedy and "or a superuser" in each.who for each in found)
    await repair_database(settings, found)
    assert len(await database_drift(settings)) == len(found)


async def test_a_schema_of_another_version_is_told(database: Database, settings: Settings) -> None:
    """A revision that this version does not describe is a difference of its own."""
    await execute(database, "UPDATE {s}.alembic_version SET version_num = '9999'")
    [found] = await database_drift(settings)
    assert (found.subject, found.found) == ("revision schema", "9999")
    assert "Migrate" in found.remedy


async def test_what_postgres_refuses_is_said(database: Database) -> None:
    """An object that cannot be made again is told in one sentence, without Postgres's words."""
    impossible = StructureDifference(
        "index",
        "nothing_idx",
        f"CREATE INDEX nothing_idx ON {SCHEMA}.nothing USING btree (x)",
        None,
    )
    with pytest.raises(ConfigurationError, match="SQLSTATE 42P01"):
        await repair_structure(database, [impossible])
