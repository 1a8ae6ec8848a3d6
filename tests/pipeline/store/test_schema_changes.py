"""Changing a deployed schema: only additions, rehearsed forth and back, and taken back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.errors import ConfigurationError
from pipeline.store import migrating, schema_changes
from pipeline.store.database_urls import Addresses
from pipeline.store.migrating import head_revision, prepare
from pipeline.store.schema import SCHEMA

MIGRATION = """from alembic import op
revision, down_revision = "{number}", "{before}"
def upgrade():
    op.execute('''{up}''')
def downgrade():
    op.execute('''{down}''')
"""
CONTRACTION = """import sqlalchemy as sa
after = "{after}"
def contract(connection):
    connection.execute(sa.text("ALTER TABLE upload_pipeline.documents DROP COLUMN added"))
"""
ADDED = f"ALTER TABLE {SCHEMA}.documents ADD COLUMN added TEXT"
TAKEN = f"ALTER TABLE {SCHEMA}.documents DROP COLUMN added"
RENAMED = f"ALTER TABLE {SCHEMA}.documents RENAME COLUMN name TO called"
RENAMED_BACK = f"ALTER TABLE {SCHEMA}.documents RENAME COLUMN called TO name"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations, in a copy to which a test adds its own."""
    copy = tmp_path / "migrations"
    shutil.copytree(migrating.MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrating, "MIGRATIONS", copy)
    return copy


@pytest.fixture
def addresses(database_url: str) -> Addresses:
    """A migrated database."""
    return Addresses(database_url, None, None)


def add(folder: Path, up: str, down: str) -> str:
    """Add a migration after the newest; its revision."""
    before = head_revision()
    number = f"{int(before) + 1:04}"
    written = MIGRATION.format(number=number, before=before, up=up, down=down)
    (folder / "versions" / f"{number}_of_a_test.py").write_text(written)
    return number


def asked(addresses: Addresses, query: str) -> object:
    """The one value of a query, as the owner sees it."""
    with migrating.connected(addresses.service) as connection:
        return connection.scalar(sa.text(query))


COLUMNS = f"""SELECT count(*) FROM information_schema.columns
    WHERE table_schema = '{SCHEMA}' AND table_name = 'documents' AND column_name = 'added'"""


def test_an_addition_is_made_and_taken_back(folder: Path, addresses: Addresses) -> None:
    """A new column comes with the release, and goes with it."""
    before = head_revision()
    number = add(folder, ADDED, TAKEN)
    assert schema_changes.expand(addresses) == number
    assert asked(addresses, COLUMNS) == 1
    schema_changes.go_back(addresses, before)
    assert schema_changes.revision_of(addresses) == before
    assert asked(addresses, COLUMNS) == 0


@pytest.mark.parametrize(
    ("up", "down", "said"),
    [
        (RENAMED, RENAMED_BACK, "changes or takes away what the last one needs: column documents"),
        (f"DROP INDEX {SCHEMA}.rollouts_created_at_idx", "SELECT 1", "rollouts_created_at_idx"),
        (ADDED, "SELECT 1", "leaves differences: column documents.added"),
        (ADDED, "SELECT 1/0", "on the way back: division by zero"),
        ("SELECT 1/0", "SELECT 1", "on the way forth: division by zero"),
    ],
)
def test_what_cannot_be_taken_back_is_refused(
    folder: Path, addresses: Addresses, up: str, down: str, said: str
) -> None:
    """A migration that does not only add, or has no way back, leaves the database as it was."""
    before = head_revision()
    add(folder, up, down)
    with pytest.raises(ConfigurationError) as raised:
        schema_changes.expand(addresses)
    assert said in raised.value.message
    assert schema_changes.revision_of(addresses) == before
    assert asked(addresses, COLUMNS) == 0


def test_an_older_program_works_with_an_expanded_schema(
    folder: Path, addresses: Addresses, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The release that was there before goes on while the next one is deployed, and after it."""
    number = add(folder, ADDED, TAKEN)
    schema_changes.expand(addresses)
    (folder / "versions" / f"{number}_of_a_test.py").unlink()
    prepare(addresses)
    prepare(addresses, automatic=False)
    assert schema_changes.revision_of(addresses) == number


def test_a_program_that_is_not_served_any_more_is_refused(
    folder: Path, addresses: Addresses
) -> None:
    """After a contraction the programs that needed what was taken away say that they are old."""
    number = add(folder, ADDED, TAKEN)
    (folder / "contractions" / "0001_added.py").write_text(CONTRACTION.format(after=number))
    schema_changes.expand(addresses)
    assert schema_changes.contract(addresses, head_revision()) == ["0001_added"]
    assert schema_changes.contract(addresses, head_revision()) == []
    assert asked(addresses, COLUMNS) == 0
    (folder / "versions" / f"{number}_of_a_test.py").unlink()
    with pytest.raises(ConfigurationError, match="does not know"):
        prepare(addresses)


def test_a_contraction_waits_for_the_release_after(folder: Path, addresses: Addresses) -> None:
    """What the release that could be gone back to still needs is not taken away."""
    before = head_revision()
    number = add(folder, ADDED, TAKEN)
    (folder / "contractions" / "0001_added.py").write_text(CONTRACTION.format(after=number))
    schema_changes.expand(addresses)
    assert schema_changes.contract(addresses, before) == []
    assert asked(addresses, COLUMNS) == 1


def test_only_a_deployment_migrates_where_it_is_said(folder: Path, addresses: Addresses) -> None:
    """With `database_migrations` deployed, a newer program changes nothing and says what to do."""
    before = head_revision()
    add(folder, ADDED, TAKEN)
    with pytest.raises(ConfigurationError, match=f"has the schema {before}") as raised:
        prepare(addresses, automatic=False)
    assert "navigator deploy" in raised.value.remedy
    assert schema_changes.revision_of(addresses) == before
