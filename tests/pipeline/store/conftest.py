"""The store's fixtures: one database for all of these tests, emptied for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import sqlalchemy as sa

from pipeline.store.database_urls import driver_url
from pipeline.store.engine import Database
from pipeline.store.schema import SCHEMA, metadata
from tests.conftest import clone
from tests.pipeline.store.making import open_space

_KEPT = {"embedding_spaces", "state_transitions", "installation"}
_EMPTY = sa.text(
    "TRUNCATE "
    + ", ".join(
        f"{SCHEMA}.{table.name}" for table in metadata.sorted_tables if table.name not in _KEPT
    )
    + " RESTART IDENTITY"
)


@pytest.fixture(scope="session")
def shared_database_url(postgres_url: str, template: str) -> Iterator[str]:
    """A migrated database that the tests of this folder share."""
    with clone(postgres_url, template) as url:
        yield url


@pytest.fixture
def store_url(shared_database_url: str) -> str:
    """The shared database, emptied."""
    engine = sa.create_engine(driver_url(shared_database_url))
    with engine.begin() as connection:
        connection.execute(_EMPTY)
    engine.dispose()
    return shared_database_url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Database]:
    """The shared database, emptied and open, with one embedding space."""
    database = Database(store_url)
    await open_space(database)
    yield database
    await database.close()
