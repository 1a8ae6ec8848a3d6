"""Words of chunks in the database: of an older rule, made anew, and in between."""

from __future__ import annotations

from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.store import chunk_words
from pipeline.store.asked_words import word_facts, words_of_question
from pipeline.store.engine import Database, rows
from pipeline.store.rankings import SEARCHABLE, rank_by_words
from pipeline.store.search_filters import SearchFilter
from pipeline.text import normalize
from pipeline.words import RULE
from pipeline.words import chunk_words as words_of_chunk
from tests.pipeline.store.making import ANNA, BEN, open_space, published, table

TEXT = "The limit is $1,000,000.00 for accident/illness."
# What the program before this one writes.
_BEFORE = sa.text(
    f"""
    UPDATE upload_pipeline.document_chunks SET words_rule = 0, search = {SEARCHABLE}
    WHERE id IN (SELECT id FROM upload_pipeline.document_chunks ORDER BY id LIMIT :most)
    """
)


async def age(store: Database, most: int = 1_000) -> None:
    """Give chunks the words that an older program would have written."""
    async with store.login() as connection:
        await connection.execute(_BEFORE, {"most": most})


async def found(store: Database, question: str) -> int:
    """How many of Anna's chunks a question finds by words."""
    async with store.reader(ANNA) as connection:
        return len(await rank_by_words(connection, question, SearchFilter(), 100))


@pytest.fixture
async def spaced(store: Database) -> Database:
    """A store with an embedding space."""
    await open_space(store)
    return store


async def test_a_published_chunk_has_the_words_of_the_rule(spaced: Database) -> None:
    """As Python makes them, and marked with the rule's version."""
    await published(spaced, "a.md", TEXT)
    [row] = await table(spaced, "document_chunks", "words_rule, search::text AS words")
    made = words_of_chunk(["Policy"], "", TEXT, "")
    async with spaced.service() as connection:
        as_stored = await connection.scalar(
            sa.text("SELECT CAST(:w AS tsvector)::text"), {"w": made}
        )
    assert (row["words_rule"], row["words"]) == (RULE, as_stored)


async def test_old_chunks_are_found_until_they_are_made_anew(spaced: Database) -> None:
    """By what the older rule finds; afterwards by every spelling, and nothing is old."""
    await published(spaced, "a.md", TEXT)
    await age(spaced)
    assert await found(spaced, "limit") == await found(spaced, "$1,000,000.00") == 1
    assert await found(spaced, "illness") == 0
    assert await chunk_words.renew_old_words(spaced, 1_000) == 1
    assert await found(spaced, "illness") == await found(spaced, "1000000") == 1
    assert await chunk_words.count_old_words(spaced) == 0


async def test_old_and_new_chunks_are_found_side_by_side(spaced: Database) -> None:
    """While some are of either rule, a word that both have finds all of them."""
    await published(spaced, "a.md", *(f"Hail number {n} is covered." for n in range(6)))
    await age(spaced, 3)
    assert await chunk_words.count_old_words(spaced) == 3
    assert await found(spaced, "covering hail") == 6


async def test_making_words_anew_goes_on_where_it_stopped(
    spaced: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page is a transaction, so what is done stays done; a bound holds."""
    monkeypatch.setattr(chunk_words, "_AT_ONCE", 2)
    await published(spaced, "a.md", *(f"Hail number {n}." for n in range(5)))
    await age(spaced)
    assert await chunk_words.renew_old_words(spaced, 3) == 3
    assert await chunk_words.count_old_words(spaced) == 2
    assert await chunk_words.renew_old_words(spaced, 1_000) == 2


async def test_a_program_before_writes_and_reads_beside_us(spaced: Database) -> None:
    """What it inserts is of rule 0 by itself, and its own question finds our chunks."""
    await published(spaced, "a.md", "Hail is covered.")
    old_question = sa.text(
        "SELECT count(*) FROM document_chunks WHERE search @@ to_tsquery('english', 'covering')"
    )
    copied = sa.text(
        f"""
        INSERT INTO document_chunks (id, document_id, user_id, ordinal, occurrence, text, sha256,
            start_offset, end_offset, heading_path, tokens, context, role, search)
        SELECT :id, document_id, user_id, 7, 0, text, sha256, 0, 1, heading_path, tokens, context,
            role, {SEARCHABLE} FROM document_chunks
        """
    )
    async with spaced.login() as connection:
        await connection.execute(sa.text("SET LOCAL search_path = upload_pipeline, public"))
        await connection.execute(copied, {"id": uuid4()})
    async with spaced.reader(ANNA) as connection:
        assert await connection.scalar(old_question) == 2
    assert {row["words_rule"] for row in await table(spaced, "document_chunks")} == {0, RULE}
    assert await found(spaced, "hail") == 2


async def test_languages_are_the_readers_own(spaced: Database) -> None:
    """A question is asked in the languages of the reader's documents, not in another's."""
    await published(spaced, "a.md", "Hail.", user=ANNA)
    await published(spaced, "b.md", "Hagel.", user=BEN)
    german = sa.text("INSERT INTO word_languages VALUES (:user, 'de')")
    async with spaced.service() as connection:
        await connection.execute(german, {"user": BEN})
    for user, languages in ((ANNA, {"en"}), (BEN, {"en", "de"})):
        async with spaced.reader(user) as connection:
            facts = await word_facts(connection)
            assert set(facts.languages) == languages
            made = await words_of_question(connection, "Versicherungen", facts)
            asked = {each.lexeme for each in made}
            assert ("versicher" in asked) == (user == BEN)


@given(texts=st.lists(st.text(max_size=300), min_size=1, max_size=10))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_words_are_a_tsvector(store: Database, texts: list[str]) -> None:
    """Postgres takes what Python makes of any text, with as many lexemes."""
    made = [words_of_chunk([], "", normalize(text).text, "en") for text in texts]
    query = sa.text(
        """
        SELECT length(CAST(w AS tsvector)) AS n, cardinality(string_to_array(w, ' ')) AS m
        FROM unnest(CAST(:made AS text[])) AS w
        """
    )
    async with store.service() as connection:
        for row in await rows(connection, query, {"made": made}):
            assert row["n"] == row["m"]
