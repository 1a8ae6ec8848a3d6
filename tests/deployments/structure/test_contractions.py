"""A contraction changes the schema without a revision: drift and verification know it."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from deployments.drift.database_drift import database_drift
from deployments.structure.building import build_changes, build_structure
from deployments.verification.comparison import compare_structure
from deployments.verification.findings import Outcome
from pipeline.settings import Settings, load_settings
from pipeline.store import migrating, schema_changes
from pipeline.store.database_urls import Addresses, driver_url
from pipeline.store.dumping import snapshot
from pipeline.store.engine import Database
from pipeline.store.loading import UnfitRows, loading
from pipeline.store.migrating import head_revision
from pipeline.store.schema_changes import contractions
from pipeline.store.structure import read_structure
from pipeline.store.structure.contracting import StructureChange
from tests.conftest import administer, clone

NAME = "0001_of_a_test"
MODULE = """import sqlalchemy as sa
after = "0011"
def contract(connection):
    connection.execute(sa.text("ALTER TABLE upload_pipeline.upload_jobs DROP COLUMN replaced"))
    connection.execute(sa.text("DROP INDEX upload_pipeline.rollouts_created_at_idx"))
    connection.execute(sa.text("ALTER TABLE upload_pipeline.uploads ALTER name DROP NOT NULL"))
"""


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Of a process whose database is the test's."""
    values: dict[str, Any] = {"database_url": database_url, "home": tmp_path}
    return load_settings(**values)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A contraction of a test, in a copy of the migrations."""
    copy = tmp_path / "migrations"
    shutil.copytree(migrating.MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrating, "MIGRATIONS", copy)
    path = copy / "contractions" / f"{NAME}.py"
    path.write_text(MODULE)
    return path


@pytest.fixture
def described(module: Path, postgres_url: str, template: str) -> Path:
    """The same with the file that `python -m deployments.structure` writes beside it."""
    with clone(postgres_url, template) as url:
        changes = asyncio.run(_changes(url))
    module.with_suffix(".json").write_text(json.dumps(changes[NAME].as_json()))
    return module


async def _changes(url: str) -> dict[str, StructureChange]:
    await build_structure(url)
    return await build_changes(url)


async def structure(database: Database) -> dict[str, Any]:
    return (await read_structure(database)).as_json()


async def contract(database_url: str) -> None:
    addresses = Addresses(database_url, None, None)
    done = await asyncio.to_thread(schema_changes.contract, addresses, head_revision())
    assert done == [NAME]


async def test_drift_and_verification_are_clean_before_and_after(
    described: Path, database: Database, database_url: str, settings: Settings
) -> None:
    """Either side of a comparison may be contracted already, or both, and nothing is told."""
    assert await database_drift(settings) == []
    before = await structure(database)
    await contract(database_url)
    after = await structure(database)
    assert await database_drift(settings) == []
    for expected, found in ((before, after), (after, before), (after, after)):
        assert [each.outcome for each in compare_structure(expected, found)] == [Outcome.OK]


async def test_other_changes_are_found_beside_a_contraction(
    described: Path, database: Database, database_url: str, settings: Settings
) -> None:
    """What the contraction does not name is drift as ever, and so is what it took and is back."""
    await contract(database_url)
    async with database.owner() as connection:
        for statement in (
            "DROP INDEX upload_pipeline.uploads_user_id_idx",
            "ALTER TABLE upload_pipeline.upload_jobs ADD COLUMN replaced INTEGER",
        ):
            await connection.execute(sa.text(statement))
    found = {each.subject for each in await database_drift(settings)}
    assert found == {"index uploads_user_id_idx", "column upload_jobs.replaced"}


async def test_a_contraction_that_is_not_described_is_drift(
    module: Path, database: Database, database_url: str, settings: Settings
) -> None:
    """Without its file nobody knows what it took away: it is told, not passed over."""
    await contract(database_url)
    found = {each.subject for each in await database_drift(settings)}
    assert "column upload_jobs.replaced" in found
    assert "index rollouts_created_at_idx" in found


async def test_a_contracted_database_is_restored(
    module: Path, database_url: str, postgres_url: str
) -> None:
    """Rows of a contracted schema are loaded into one that is contracted alike."""
    await contract(database_url)
    with snapshot(database_url) as held:
        tables = {name: (columns, b"".join(held.table(name))) for name, columns in
                  held.columns.items()}  # fmt: skip
        told = held.contractions
    assert told == (NAME,)
    for names, fits in (((), False), ((NAME,), True)):
        with empty(postgres_url) as url:
            if fits:
                load(url, tables, names)
                addresses = Addresses(url, None, None)
                assert schema_changes.contract(addresses, head_revision()) == []
            else:
                with pytest.raises(UnfitRows, match="other columns"):
                    load(url, tables, names)


def load(
    url: str, tables: Mapping[str, tuple[list[str], bytes]], contractions: Sequence[str]
) -> None:
    with loading(url, head_revision(), contractions) as loader:
        loader.require({name: columns for name, (columns, _) in tables.items()})
        for name in loader.columns:
            loader.fill(name, tables[name][0], [tables[name][1]])
        loader.finish()


@contextmanager
def empty(postgres_url: str) -> Iterator[str]:
    """A database without a schema of ours."""
    name = f"empty_{uuid4().hex[:8]}"
    administer(postgres_url, f"CREATE DATABASE {name}")
    try:
        made = driver_url(postgres_url).set(database=name)
        yield made.render_as_string(hide_password=False)
    finally:
        administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_backup_of_an_unknown_contraction_is_refused(postgres_url: str) -> None:
    """What this program does not know cannot be taken away before the rows are loaded."""
    with empty(postgres_url) as url, pytest.raises(UnfitRows, match="does not know"):
        load(url, {}, ["0001_unknown"])


async def test_every_contraction_is_described(database_url: str) -> None:
    """The file beside each contraction is what `python -m deployments.structure` would write."""
    await build_structure(database_url)
    built = await build_changes(database_url)
    assert built == {each.name: each.change for each in contractions()}


def test_a_change_is_the_same_as_json(described: Path) -> None:
    """What is written to the file is what is read of it."""
    [found] = contractions()
    assert found.change is not None
    assert StructureChange.from_json(found.change.as_json()) == found.change
    assert ("index", "rollouts_created_at_idx") in found.change.facts.gone
