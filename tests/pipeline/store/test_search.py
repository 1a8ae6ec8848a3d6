"""Search on a real database: isolation, recall, filters, odd questions, order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import numpy as np
import pytest
import sqlalchemy as sa
from pgvector import Vector

from pipeline.store import embedding_spaces
from pipeline.store.engine import Database, rows
from pipeline.store.rankings import EXACT_BELOW, SEARCHABLE
from pipeline.store.schema import SCHEMA
from pipeline.store.search import Passage, Query, SearchMode, search

SPACE = UUID(int=7)
DIMENSION = 4
ALICE, BOB = UUID(int=1), UUID(int=2)
ANY_MODE = pytest.mark.parametrize("mode", list(SearchMode))

_DOCUMENT = sa.text(
    f"INSERT INTO {SCHEMA}.documents (id, user_id, source, name, tags)"
    " VALUES (:id, :user, CAST(:id AS text), 'a.md', :tags)"
)
_CHUNKS = sa.text(
    f"""
    INSERT INTO {SCHEMA}.document_chunks (id, document_id, user_id, ordinal, occurrence, text,
        sha256, start_offset, end_offset, heading_path, tokens, context, role, search)
    SELECT id, :document, :user, ordinal, 0, text,
        coalesce(:content, id::text), 0, 1, heading_path, 5, context, :role, {SEARCHABLE}
    FROM (
        SELECT gen_random_uuid() AS id, n - 1 AS ordinal, text, CAST(:headings AS text[])
               AS heading_path, CAST(:context AS text) AS context
        FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS t(text, n)
    ) AS chunk
    RETURNING id
    """
)
_VECTORS = sa.text(
    f"""
    INSERT INTO {SCHEMA}.chunk_vectors (space_id, chunk_id, user_id, sha256, embedding)
    SELECT :space, c.id, c.user_id, c.sha256, CAST(v.embedding AS vector)
    FROM {SCHEMA}.document_chunks AS c
    JOIN unnest(CAST(:vectors AS text[])) WITH ORDINALITY AS v(embedding, n)
      ON v.n = c.ordinal + 1
    WHERE c.document_id = :document
    """
)


@pytest.fixture
async def corpus(database: Database) -> Database:
    """A database with an embedding space and nothing in it."""
    values = {"provider": "test", "model": "test", "version": "1"}
    await embedding_spaces.ensure_space(database, SPACE, dimension=DIMENSION, **values)
    return database


async def publish(
    database: Database,
    user: UUID,
    texts: Sequence[str],
    vectors: np.ndarray | None = None,
    *,
    headings: Sequence[str] = (),
    tags: Sequence[str] = (),
    context: str = "",
    role: str = "other",
    content: str | None = None,
) -> UUID:
    """A published document with these chunks; without vectors, all point the same way.

    Args:
        content: the content hash of all; else each has its own.
    """
    document = uuid4()
    if vectors is None:
        vectors = np.tile(_unit(1, 0, 0, 0), (len(texts), 1))
    values = {
        "id": document,
        "document": document,
        "user": user,
        "space": SPACE,
        "texts": list(texts),
        "headings": list(headings),
        "tags": list(tags),
        "context": context,
        "role": role,
        "content": content,
        "vectors": [Vector(vector).to_text() for vector in vectors],
    }
    async with database.service() as connection:
        for statement in (_DOCUMENT, _CHUNKS, _VECTORS):
            await connection.execute(statement, values)
    return document


async def ask(database: Database, user: UUID, query: Query) -> list[Passage]:
    """The answer as the user gets it."""
    async with database.reader(user) as connection:
        return await search(connection, query)


def question(text: str, mode: SearchMode = SearchMode.HYBRID, limit: int = 5) -> Query:
    """A question whose vector points along the first axis."""
    return Query(text, mode, SPACE, DIMENSION, _unit(1, 0, 0, 0), limit)


def _different(text: str, count: int) -> list[str]:
    """Passages of equal rank that are not the same: the number's digits are one word."""
    return [f"{text} #{n:05d}" for n in range(count)]


def _unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def _around(center: np.ndarray, count: int, spread: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((count, DIMENSION)) * spread
    moved = center + noise
    units: np.ndarray = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return units.astype(np.float32)


def _nearest(vectors: np.ndarray, to: np.ndarray, limit: int) -> list[float]:
    return sorted((vectors @ to).tolist(), reverse=True)[:limit]


async def _walk_at_most(database: Database, tuples: int) -> None:
    async with database.owner() as connection:
        await connection.execute(sa.text("SELECT '[1]'::vector"))  # makes the setting known
        name = await connection.scalar(sa.text("SELECT current_database()"))
        await connection.execute(
            sa.text(f'ALTER DATABASE "{name}" SET hnsw.max_scan_tuples = {tuples}')
        )
    await database.engine.dispose()  # new connections take it up


@ANY_MODE
async def test_a_reader_gets_only_his_own_rows(corpus: Database, mode: SearchMode) -> None:
    """Two users hold the same text and vectors; each is answered from his own document alone."""
    texts = ["Hail damage is covered.", "Flood is not covered."]
    for user in (ALICE, BOB):
        mine = await publish(corpus, user, texts)
        await publish(corpus, uuid4(), texts)
        found = await ask(corpus, user, question("Is hail covered?", mode, limit=50))
        assert [passage.document_id for passage in found] == [mine, mine]
    assert await ask(corpus, uuid4(), question("Is hail covered?", mode)) == []


async def test_other_users_do_not_change_a_score(corpus: Database) -> None:
    """Word statistics are of the reader's own rows, so a score tells nothing of other users."""
    asked = question("hail deductible", SearchMode.TEXT)
    await publish(corpus, ALICE, ["The hail deductible is $500.", "The deductible.", "Wind."])
    before = await ask(corpus, ALICE, asked)
    await publish(corpus, BOB, ["Hail, hail, hail."] * 20)
    assert await ask(corpus, ALICE, asked) == before


async def test_a_large_index_hides_no_row_of_a_small_user(corpus: Database) -> None:
    """With an HNSW index full of nearer rows of others, every reader gets what a scan gives.

    Bob holds a dozen rows; Alice holds enough for the index to be asked. All of theirs are farther
    away than Carol's, who has more than pgvector may walk through here.
    """
    await _walk_at_most(corpus, 2_000)
    asked = _unit(1, 0, 0, 0)
    near, far = _unit(1, 0.2, 0, 0), _unit(0, 1, 0.3, 0)
    held = {
        ALICE: _around(far, EXACT_BELOW + 500, 0.2, seed=1),
        BOB: _around(_unit(-1, 0.5, 0, 0), 12, 0.1, seed=2),
        UUID(int=3): _around(near, EXACT_BELOW + 500, 0.05, seed=3),
    }
    for user, vectors in held.items():
        await publish(corpus, user, _different("words", len(vectors)), vectors)
    await embedding_spaces.build_index(corpus, SPACE, DIMENSION, _unwatched)
    async with corpus.owner() as connection:
        await connection.execute(sa.text(f"ANALYZE {SCHEMA}.chunk_vectors"))

    query = question("", SearchMode.VECTOR, limit=50)
    for user, vectors in held.items():
        scores = [passage.score for passage in await ask(corpus, user, query)]
        expected = _nearest(vectors, asked, 50)
        assert len(scores) == len(expected)
        assert scores == sorted(scores, reverse=True)
        close = sum(score >= expected[-1] - 1e-5 for score in scores)
        assert close >= (len(expected) if user == BOB else 0.9 * len(expected))


async def test_the_vector_index_is_used(database_url: str) -> None:
    """Once a reader's rows are many, the planner answers him from the HNSW index."""
    database = Database(database_url, pool_size=1)
    values = {"provider": "test", "model": "test", "version": "1"}
    await embedding_spaces.ensure_space(database, SPACE, dimension=DIMENSION, **values)
    vectors = _around(_unit(1, 1, 1, 1), EXACT_BELOW + 8_000, 1.0, seed=4)
    await publish(database, ALICE, _different("words", len(vectors)), vectors)
    assert await embedding_spaces.needs_index(database, SPACE, EXACT_BELOW)
    await embedding_spaces.build_index(database, SPACE, DIMENSION, _unwatched)
    assert not await embedding_spaces.needs_index(database, SPACE, EXACT_BELOW)
    scans = sa.text("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname LIKE '%hnsw'")
    async with database.owner() as connection:
        await connection.execute(sa.text(f"ANALYZE {SCHEMA}.chunk_vectors"))
        before = await connection.scalar(scans)
    async with database.reader(ALICE) as connection:
        await search(connection, question("", SearchMode.VECTOR))
        await connection.execute(sa.text("SELECT pg_stat_force_next_flush()"))
    async with database.owner() as connection:
        assert await connection.scalar(scans) == before + 1
    await database.close()


@pytest.mark.parametrize("text", ["", "   ", "to be or not to be", "?!…", "\x00", "How is it?"])
async def test_a_question_without_words_is_answered_by_vector(corpus: Database, text: str) -> None:
    """Only stop words or signs: the text ranking is empty and hybrid is the vector's order."""
    vectors = np.stack([_unit(0, 1, 0, 0), _unit(1, 0, 0, 0), _unit(1, 1, 0, 0)])
    await publish(corpus, ALICE, ["one", "two", "three"], vectors)
    assert await ask(corpus, ALICE, question(text, SearchMode.TEXT)) == []
    found = await ask(corpus, ALICE, question(text))
    assert [passage.text for passage in found] == ["two", "three", "one"]
    assert {passage.text_rank for passage in found} == {None}


@pytest.mark.parametrize(
    "text",
    [
        "hail' | 'x & !(",
        "hail :* <-> \\ \\' '' \"",
        "hail \x00 \ud800 \U0001f327 %s %(x)s :text",
        "hail; DROP TABLE documents; --",
        "https://example.com/hail?q='a'&b=\\c hail",
        "hail " + "and many more words of no use " * 5_000,
        "hail " + " ".join(f"word{i}" for i in range(2_000)),
        "hail " + "x" * 50_000,
    ],
    ids=range(8),
)
async def test_odd_questions_are_answered(corpus: Database, text: str) -> None:
    """Quotes, operators, NUL, surrogates, code and very long questions find what they name."""
    vectors = np.stack([_unit(0, 1, 0, 0), _unit(1, 0, 0, 0)])
    await publish(corpus, ALICE, ["Wind is excluded.", "Hail is covered."], vectors)
    for mode in SearchMode:
        found = await ask(corpus, ALICE, question(text, mode))
        assert found[0].text == "Hail is covered."


async def test_a_rare_word_counts_more_than_common_ones(corpus: Database) -> None:
    """A passage with the question's rare word comes before those that repeat its common ones."""
    common = [f"The policy covers loss; the policy pays loss number {n}." for n in range(20)]
    await publish(corpus, ALICE, [*common, "Sinkhole collapse."])
    asked = question("Does the policy pay a sinkhole loss?", SearchMode.TEXT)
    found = await ask(corpus, ALICE, asked)
    assert found[0].text == "Sinkhole collapse."
    assert found[0].score > found[1].score > 0


async def test_words_of_headings_are_found(corpus: Database) -> None:
    """A word that stands only in a heading above the passage finds the passage."""
    await publish(corpus, ALICE, ["We pay up to $500."], headings=["Coverages", "Spoiled Food"])
    await publish(corpus, ALICE, ["We pay up to $900."], headings=["Coverages", "Lost Keys"])
    found = await ask(corpus, ALICE, question("my food spoiled", SearchMode.TEXT))
    assert [passage.heading_path for passage in found] == [["Coverages", "Spoiled Food"]]


@ANY_MODE
async def test_filters_by_document_and_tags(corpus: Database, mode: SearchMode) -> None:
    """Only the document asked for, only documents with all the tags, or both."""
    home = await publish(corpus, ALICE, ["Hail at home."], tags=["home", "2026"])
    car = await publish(corpus, ALICE, ["Hail on a car."], tags=["car", "2026"])
    foreign = await publish(corpus, BOB, ["Hail."], tags=["home", "2026"])

    async def found(*documents: UUID, tags: tuple[str, ...] = ()) -> set[UUID]:
        query = replace(question("hail", mode), documents=documents, tags=tags)
        return {passage.document_id for passage in await ask(corpus, ALICE, query)}

    assert await found() == {home, car}
    assert await found(tags=("2026",)) == {home, car}
    assert await found(tags=("2026", "car")) == {car}
    assert await found(tags=("2026", "boat")) == set()
    assert await found(home) == {home}
    assert await found(home, car) == {home, car}
    assert await found(home, car, tags=("car",)) == {car}
    assert await found(home, tags=("car",)) == set()
    assert await found(foreign) == set()


@ANY_MODE
async def test_passages_of_wanted_roles_only(corpus: Database, mode: SearchMode) -> None:
    """With roles asked for, only passages that have one of them answer; each says its own."""
    await publish(corpus, ALICE, ["Hail is not covered."], role="exclusion")
    await publish(corpus, ALICE, ["Hail up to $500."], role="limit")
    await publish(corpus, ALICE, ["Hail is ice."], role="definition")

    async def roles(*wanted: str) -> set[str]:
        asked = replace(question("hail", mode), roles=wanted)
        return {passage.role for passage in await ask(corpus, ALICE, asked)}

    assert await roles() == {"exclusion", "limit", "definition"}
    assert await roles("exclusion") == {"exclusion"}
    assert await roles("limit", "definition") == {"limit", "definition"}
    assert await roles("claims") == set()


async def test_the_columns_beside_a_passage_are_words_of_it(corpus: Database) -> None:
    """A row is found by the name of its column, which stands only in its context."""
    context = "Dental fees\nColumns: Procedure | Copayment"
    await publish(corpus, ALICE, ["| D1032 | $42 |"], context=context)
    await publish(corpus, ALICE, ["| D1033 | $43 |"])
    [found] = await ask(corpus, ALICE, question("which copayment", SearchMode.TEXT))
    assert (found.text, found.context) == ("| D1032 | $42 |", context)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("financial", "The \ufb01nancial bene\ufb01ts."),
        ("benefits", "The \ufb01nancial bene\ufb01ts."),
        ("office", "In the o\ufb03ce."),
        ("offered", "It is o\ufb00ered."),
        ("five", "In \ufb01ve regions."),
        ("deductible", "The deduct\u00adible."),
        ("deductible", "The deduct\u200bible."),
        ("PREMIUM", "\uff30\uff52\uff45\uff4d\uff49\uff55\uff4d."),
        ("$250", "The copay is $250\u00b9."),
        ("co-insurance", "The co\u2011insurance."),
        ("o\ufb00ered", "It is offered."),
        ("bene\u00adfits", "The benefits."),
    ],
)
async def test_spelling_is_folded_in_text_and_question(
    corpus: Database, word: str, text: str
) -> None:
    """Ligatures, soft hyphens, widths and raised marks hide no word; the text is as it was."""
    await publish(corpus, ALICE, ["Nothing like it.", text])
    [found] = await ask(corpus, ALICE, question(word, SearchMode.TEXT))
    assert found.text == text


async def test_a_footnote_mark_makes_no_other_amount(corpus: Database) -> None:
    """An amount with a raised mark behind it is not the amount with that digit at its end."""
    await publish(corpus, ALICE, ["The copay is $250\u00b9."])
    assert await ask(corpus, ALICE, question("2501", SearchMode.TEXT)) == []


@ANY_MODE
async def test_equal_passages_have_one_order(corpus: Database, mode: SearchMode) -> None:
    """Ties are broken by id, so a shorter answer is the beginning of a longer one."""
    await publish(corpus, ALICE, _different("Hail is covered.", 30))
    longer = await ask(corpus, ALICE, question("hail", mode, limit=20))
    shorter = await ask(corpus, ALICE, question("hail", mode, limit=5))
    ids = [passage.chunk_id for passage in longer]
    assert ids == sorted(ids)
    assert shorter == longer[:5]


async def test_a_passage_tells_its_place_in_each_ranking(corpus: Database) -> None:
    """Hybrid answers carry similarity and both ranks, None where a ranking lacks the passage."""
    vectors = np.stack([_unit(1, 0, 0, 0), _unit(3, 4, 0, 0)])
    await publish(corpus, ALICE, ["Wind.", "Hail."], vectors)
    hail, wind = await ask(corpus, ALICE, question("hail"))
    assert (hail.text, hail.vector_rank, hail.text_rank) == ("Hail.", 2, 1)
    assert (wind.text, wind.vector_rank, wind.text_rank) == ("Wind.", 1, None)
    assert hail.similarity == pytest.approx(0.6)
    assert 1 > hail.score > wind.score > 0


async def test_more_than_the_usual_candidates_can_be_asked_for(corpus: Database) -> None:
    """A limit above the number of candidates is met when there are as many passages."""
    await publish(corpus, ALICE, _different("Hail.", 120))
    for mode in SearchMode:
        assert len(await ask(corpus, ALICE, question("hail", mode, limit=100))) == 100


async def test_search_leaves_no_setting_on_a_pooled_connection(database_url: str) -> None:
    """The settings of a search end with its transaction."""
    database = Database(database_url, pool_size=1)
    settings = sa.text(
        "SELECT current_setting('hnsw.ef_search', true) AS breadth,"
        " current_setting('plan_cache_mode') AS plans"
    )
    async with database.reader(ALICE) as connection:
        await search(connection, question("hail"))
        during = (await rows(connection, settings))[0]
    async with database.owner() as connection:
        after = (await rows(connection, settings))[0]
    await database.close()
    assert during == {"breadth": "400", "plans": "force_custom_plan"}
    assert after["breadth"] != "400"
    assert after["plans"] == "auto"


async def _unwatched(share: float) -> None:
    """Nobody looks at the progress."""
