"""The word index gives the scan's ranking, to each reader of their own chunks, whatever happened."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from pipeline.store import word_index, word_scan
from pipeline.store.engine import Database, rows
from pipeline.store.schema import DERIVED_TABLES, SCHEMA
from pipeline.store.word_index import Segment, worth_rewriting
from pipeline.store.word_ranking import Term, rank_terms
from tests.pipeline.store.making import ANNA, BEN

WORDS = "hail wind flood deductible limit exclusion roof water theft fire".split()
QUESTION = [Term("hail"), Term("deduct", 0.5), Term("roof"), Term("nowher"), Term("fire", 2.0)]

_DOCUMENT = sa.text(
    f"INSERT INTO {SCHEMA}.documents (id, user_id, source, name)"
    " VALUES (gen_random_uuid(), :user, gen_random_uuid()::text, 'a.md') RETURNING id"
)
_CHUNKS = sa.text(
    f"""
    INSERT INTO {SCHEMA}.document_chunks (id, document_id, user_id, ordinal, occurrence, text,
        sha256, start_offset, end_offset, heading_path, tokens, search)
    SELECT gen_random_uuid(), :document, :user, n - 1, 0, text, md5(text), 0, 1, '{{}}', 5,
           to_tsvector('english', text)
    FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS t(text, n)
    """
)
_DELETE = sa.text(
    f"""
    DELETE FROM {SCHEMA}.document_chunks WHERE id IN (
        SELECT id FROM {SCHEMA}.document_chunks WHERE user_id = :user
        ORDER BY md5(id::text || :seed) LIMIT :number)
    """
)
_REWRITE = sa.text(
    f"""
    UPDATE {SCHEMA}.document_chunks SET search = to_tsvector('english', :text) WHERE id IN (
        SELECT id FROM {SCHEMA}.document_chunks WHERE user_id = :user
        ORDER BY md5(id::text || :seed) LIMIT :number)
    """
)


async def add(store: Database, user: UUID, texts: list[str]) -> None:
    """A document of the user with these chunks."""
    async with store.owner() as connection:
        await connection.execute(sa.text("SET LOCAL ROLE navigator_service"))
        document = await connection.scalar(_DOCUMENT, {"user": user})
        values = {"user": user, "document": document, "texts": texts}
        await connection.execute(_CHUNKS, values)


async def change(store: Database, statement: sa.TextClause, **values: Any) -> None:
    """Change chunks without the pipeline, as a migration or another program might."""
    async with store.owner() as connection:
        await connection.execute(sa.text("SET LOCAL ROLE navigator_service"))
        await connection.execute(statement, values)


async def index_all(store: Database, user: UUID) -> None:
    """Everything of the user that waits is indexed."""
    while await word_index.index_waiting(store, user, least=1):
        pass


async def ranked(
    store: Database, user: UUID, terms: list[Term] = QUESTION, limit: int = 7
) -> list[tuple[UUID, float]]:
    """What the user is answered."""
    async with store.reader(user) as connection:
        return await rank_terms(connection, terms, "true", {}, limit)


async def scanned(
    store: Database, user: UUID, terms: list[Term] = QUESTION, limit: int = 7
) -> list[tuple[UUID, float]]:
    """What a scan of all the user's chunks says."""
    asked = word_scan.parameters([t.lexeme for t in terms], [t.weight for t in terms])
    statement = sa.text(word_scan.bm25("true", range(len(terms))))
    async with store.reader(user) as connection:
        found = await rows(connection, statement, {**asked, "limit": limit})
    return [(row["id"], row["score"]) for row in found]


async def same(store: Database, user: UUID) -> bool:
    """Whether index and scan agree; that anything was found at all."""
    from_index, from_scan = await ranked(store, user), await scanned(store, user)
    assert [each for each, _ in from_index] == [each for each, _ in from_scan]
    for (_, score), (_, exact) in zip(from_index, from_scan, strict=True):
        assert score == pytest.approx(exact, rel=1e-9)
    return bool(from_scan)


async def segments(store: Database, user: UUID) -> list[sa.RowMapping]:
    """The user's segments."""
    query = sa.text(f"SELECT * FROM {SCHEMA}.word_segments WHERE user_id = :user ORDER BY id")
    async with store.service() as connection:
        return await rows(connection, query, {"user": user})


async def rows_left(store: Database, user: UUID) -> dict[str, int]:
    """The rows of the user in each table of the index, where there are any."""
    found = {}
    async with store.service() as connection:
        for table in DERIVED_TABLES:
            query = sa.select(sa.func.count()).select_from(table).where(table.c.user_id == user)
            found[table.name] = int(await connection.scalar(query) or 0)
    return {name: number for name, number in found.items() if number}


class Walk:
    """Random writes of two users, one step after the other."""

    def __init__(self, store: Database, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)

    def texts(self) -> list[str]:
        number = self.random.randint(1, 6)
        return [
            " ".join(self.random.choices(WORDS, k=self.random.randint(1, 9))) for _ in range(number)
        ]

    async def step(self) -> None:
        """Add, remove, rewrite, index or tidy."""
        user, act = self.random.choice([ANNA, BEN]), self.random.random()
        values = {"user": user, "seed": str(self.random.random())}
        if act < 0.35:
            await add(self.store, user, self.texts())
        elif act < 0.5:
            await change(self.store, _DELETE, number=self.random.randint(1, 4), **values)
        elif act < 0.6:
            text = " ".join(self.random.choices(WORDS, k=4))
            await change(self.store, _REWRITE, number=2, text=text, **values)
        elif act < 0.9:
            most = self.random.choice([1, 3, 100])
            await word_index.index_waiting(self.store, user, most=most, least=1)
        else:
            await word_index.tidy(self.store, user)


@pytest.mark.parametrize("seed", range(4))
async def test_index_and_scan_agree_whatever_was_written(store: Database, seed: int) -> None:
    """Two users write, index and tidy in any order; each gets the scan's ranking of their own."""
    walk = Walk(store, seed)
    found = 0
    for _ in range(40):
        await walk.step()
        found += await same(store, ANNA) + await same(store, BEN)
    assert found > 20
    assert await segments(store, ANNA)
    assert await segments(store, BEN)
