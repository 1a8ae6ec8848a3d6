"""The word index gives the scan's ranking, to each reader of their own chunks."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.failpoints import WORD_INDEX_FAILPOINTS
from pipeline.store import narrowing, word_forgetting, word_index, word_ranking, word_scan
from pipeline.store.asked_words import word_facts
from pipeline.store.dumping import snapshot
from pipeline.store.engine import Database, rows
from pipeline.store.erasure import erase_user
from pipeline.store.schema import DERIVED_TABLES, SCHEMA
from pipeline.store.search_filters import SearchFilter
from pipeline.store.word_differences import (
    WordDifferences,
    count_differences,
    note_differences,
)
from pipeline.store.word_index import Segment, worth_rewriting
from pipeline.store.word_ranking import Term, rank_terms
from stages.word_indexing import index_everybody, index_published
from tests.pipeline.store.making import ANNA, BEN, published, table
from tests.pipeline.store.waiting import until_somebody_waits

WORDS = ["hail", "wind", "flood", "deductible", "limit", "exclusion", "roof", "water", "fire"]
QUESTION = [Term("hail"), Term("deduct", 0.5), Term("roof"), Term("nowher"), Term("fire", 2.0)]

EVERYTHING = SearchFilter()

_DOCUMENT = sa.text(
    f"INSERT INTO {SCHEMA}.documents (id, user_id, source, name, tags)"
    " VALUES (gen_random_uuid(), :user, gen_random_uuid()::text, 'a.md', :tags) RETURNING id"
)
_CHUNKS = sa.text(
    f"""
    INSERT INTO {SCHEMA}.document_chunks (id, document_id, user_id, ordinal, occurrence, text,
        sha256, start_offset, end_offset, heading_path, tokens, search, role)
    SELECT gen_random_uuid(), :document, :user, n - 1, 0, text, md5(text), 0, 1, '{{}}', 5,
           to_tsvector('english', text), CASE WHEN n % 3 = 0 THEN 'limit' ELSE 'other' END
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


_CHANGE_ROLE = sa.text(
    f"""
    UPDATE {SCHEMA}.document_chunks SET role = 'exclusion' WHERE id IN (
        SELECT id FROM {SCHEMA}.document_chunks WHERE user_id = :user
        ORDER BY md5(id::text || :seed) LIMIT :number)
    """
)


async def add(store: Database, user: UUID, texts: list[str], *tags: str) -> None:
    """A document of the user with these chunks."""
    async with store.owner() as connection:
        await connection.execute(sa.text("SET LOCAL ROLE navigator_service"))
        document = await connection.scalar(_DOCUMENT, {"user": user, "tags": list(tags)})
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
    store: Database,
    user: UUID,
    terms: list[Term] = QUESTION,
    limit: int = 7,
    scope: SearchFilter = EVERYTHING,
) -> list[tuple[UUID, float]]:
    """What the user is answered, as a search asks it."""
    async with store.reader(user) as connection:
        narrow = await narrowing.narrowed(connection, scope)
        if narrow is None:
            return []
        indexed = (await word_facts(connection)).has_index
        return await rank_terms(connection, terms, narrow, limit, indexed=indexed)


async def scanned(
    store: Database,
    user: UUID,
    terms: list[Term] = QUESTION,
    limit: int = 7,
    scope: SearchFilter = EVERYTHING,
) -> list[tuple[UUID, float]]:
    """What a scan of all the user's chunks says."""
    asked = word_scan.parameters([t.lexeme for t in terms], [t.weight for t in terms])
    statement = sa.text(word_scan.bm25(scope.condition, range(len(terms))))
    async with store.reader(user) as connection:
        found = await rows(connection, statement, {**scope.values, **asked, "limit": limit})
    return [(row["id"], row["score"]) for row in found]


async def same(store: Database, user: UUID, scope: SearchFilter = EVERYTHING) -> bool:
    """Whether index and scan agree; that anything was found at all."""
    from_index = await ranked(store, user, scope=scope)
    from_scan = await scanned(store, user, scope=scope)
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
        for derived in (each for each in DERIVED_TABLES if "user_id" in each.c):
            query = sa.select(sa.func.count()).select_from(derived).where(derived.c.user_id == user)
            found[derived.name] = int(await connection.scalar(query) or 0)
    return {name: number for name, number in found.items() if number}


class Walk:
    """Random writes of two users, one step after the other."""

    def __init__(self, store: Database, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)
        self.filters = random.Random(seed)

    def texts(self) -> list[str]:
        number = self.random.randint(1, 6)
        return [
            " ".join(self.random.choices(WORDS, k=self.random.randint(1, 9))) for _ in range(number)
        ]

    async def scope(self, user: UUID) -> SearchFilter:
        """A filter by roles, tags, days or documents, or by several of them."""
        query = sa.text("SELECT id FROM documents WHERE user_id = :user ORDER BY source LIMIT 4")
        async with self.store.service() as connection:
            documents = list((await connection.execute(query, {"user": user})).scalars())

        def maybe(values: list[Any]) -> tuple[Any, ...]:
            most = min(len(values), self.filters.choice([0, 1, 3]))
            return tuple(self.filters.sample(values, most))

        return SearchFilter(
            documents=maybe(documents),
            tags=maybe(["auto", "home"])[:1],
            roles=maybe(["limit", "other", "exclusion", "nowhere"]),
            since=self.filters.choice([None, date(2020, 1, 1)]),
        )

    async def step(self) -> None:
        """Add, remove, rewrite, index or tidy."""
        user, act = self.random.choice([ANNA, BEN]), self.random.random()
        values = {"user": user, "seed": str(self.random.random())}
        if act < 0.35:
            tags = self.filters.sample(["auto", "home"], self.filters.randint(0, 2))
            await add(self.store, user, self.texts(), *tags)
        elif act < 0.5:
            await change(self.store, _DELETE, number=self.random.randint(1, 4), **values)
        elif act < 0.6:
            await change(self.store, _CHANGE_ROLE, number=1, **values)
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


@pytest.mark.parametrize("seed", range(4))
async def test_filtered_searches_agree_with_the_scan(
    store: Database, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was written and is asked for, a filter gives the scan's ranking by the index."""
    monkeypatch.setattr(word_ranking, "_FEW", 1)
    if seed % 2:  # as if too many documents passed to name them
        monkeypatch.setattr(narrowing, "MOST_DOCUMENTS", 0)
    by_index: list[bool] = []
    real = word_ranking._by_index

    async def noted(connection: AsyncConnection, scope: SearchFilter) -> bool:
        by_index.append(await real(connection, scope) and scope != EVERYTHING)
        return by_index[-1] or await real(connection, scope)

    monkeypatch.setattr(word_ranking, "_by_index", noted)
    walk, found = Walk(store, seed), 0
    for _ in range(30):
        await walk.step()
        for user in (ANNA, BEN):
            found += await same(store, user, await walk.scope(user))
    assert found > 10
    assert sum(by_index) > 10


async def test_segments_of_the_release_before_are_scanned_for_a_filter(store: Database) -> None:
    """They tell no documents: a filter scans, and maintenance writes them anew."""
    await add(store, ANNA, ["hail roof", "fire", "hail"], "auto")
    await index_all(store, ANNA)
    old = "document_ids = NULL, documents = NULL, role_names = NULL, roles = NULL"
    await change(store, sa.text(f"UPDATE {SCHEMA}.word_segments SET {old}"))
    assert await same(store, ANNA, SearchFilter(roles=("limit",)))
    assert await word_index.tidy(store, ANNA) == 1
    assert (await segments(store, ANNA))[0]["documents"] is not None
    assert await same(store, ANNA, SearchFilter(roles=("limit",)))


async def test_what_went_past_the_triggers_is_found_and_mended(store: Database) -> None:
    """Chunks that are missing, gone or counted twice in the index are noted, and it is right."""
    await add(store, ANNA, ["hail roof", "fire", "deductible", "roof", "hail", "fire roof"])
    await index_all(store, ANNA)
    async with store.service() as connection:
        assert await count_differences(connection, ANNA) == WordDifferences(0, 0)
    await add(store, ANNA, ["hail fire", "roof fire"])
    past = "SET LOCAL session_replication_role = replica"
    async with store.owner() as connection:
        await connection.execute(sa.text("RESET ROLE"))
        await connection.execute(sa.text(past))
        await connection.execute(_DELETE, {"user": ANNA, "number": 2, "seed": "x"})
        await connection.execute(sa.text(f"DELETE FROM {SCHEMA}.unindexed_chunks"))
        await connection.execute(
            sa.text(
                f"INSERT INTO {SCHEMA}.unindexed_chunks SELECT user_id, id"
                f" FROM {SCHEMA}.document_chunks WHERE text = 'deductible'"
            )
        )
    found = await note_differences(store, ANNA)
    assert found.missing > 0
    assert found.extra > 0
    async with store.service() as connection:
        assert await count_differences(connection, ANNA) == WordDifferences(0, 0)
    assert await same(store, ANNA)
    await index_all(store, ANNA)
    await word_index.tidy(store, ANNA)
    assert await same(store, ANNA)


async def test_a_reader_learns_nothing_of_another_users_segments(store: Database) -> None:
    """Users with the same words have interleaved segments; no score moves, no row is seen."""
    for number in range(6):
        for user in (ANNA, BEN):
            await add(store, user, [f"hail roof {number}", "wind", f"hail deductible {user.int}"])
            await index_all(store, user)
    before = await ranked(store, ANNA)
    await add(store, BEN, ["hail hail roof deductible fire"] * 30)
    await index_all(store, BEN)
    await change(store, _DELETE, user=BEN, number=9, seed="")
    assert await ranked(store, ANNA) == before
    mine = {row["id"] for row in await table(store, "document_chunks") if row["user_id"] == ANNA}
    assert {each for each, _ in before} <= mine
    assert await ranked(store, UUID(int=77)) == []
    for derived in ("word_segments", "word_postings", "unindexed_chunks", "removed_chunks"):
        query = sa.text(f"SELECT count(*) FROM {SCHEMA}.{derived} WHERE user_id <> :user")
        async with store.reader(ANNA) as connection:
            assert await connection.scalar(query, {"user": ANNA}) == 0


async def test_a_reader_cannot_write_the_index(store: Database) -> None:
    """Readers read it; nothing more is granted."""
    for name in ("word_segments", "word_postings", "unindexed_chunks", "removed_chunks"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            async with store.reader(ANNA) as connection:
                await connection.execute(sa.text(f"DELETE FROM {SCHEMA}.{name}"))


@pytest.mark.parametrize("failpoint", WORD_INDEX_FAILPOINTS)
async def test_killed_while_it_indexes(store: Database, store_url: str, failpoint: str) -> None:
    """A process is killed before its commit: rankings are right, and the next one does the work."""
    for number in range(9):
        await add(store, ANNA, [f"hail roof {number}", "fire"])
        if failpoint == "before-rewrite-commit":
            await index_all(store, ANNA)
    assert killed(store_url, failpoint) == -signal.SIGKILL
    assert await same(store, ANNA)
    made = len(await segments(store, ANNA))
    assert made == (0 if failpoint == "before-words-commit" else 9)
    assert killed(store_url, "") == 0
    assert await same(store, ANNA)
    assert len(await segments(store, ANNA)) == 1


def killed(url: str, failpoint: str) -> int:
    """The exit code of a process that indexes and tidies, and dies there."""
    work = (
        "import asyncio, sys\n"
        "from pipeline.store import word_index\n"
        "from pipeline.store.engine import Database\n"
        "from tests.pipeline.store.making import ANNA\n"
        "async def main():\n"
        "    database = Database(sys.argv[1])\n"
        "    await word_index.index_waiting(database, ANNA, least=1)\n"
        "    await word_index.tidy(database, ANNA)\n"
        "    await database.close()\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "NAVIGATOR_FAILPOINT": failpoint}
    return subprocess.run(
        [sys.executable, "-c", work, url], env=environment, check=False
    ).returncode


async def test_what_is_removed_while_it_is_indexed_is_not_found(store: Database) -> None:
    """A deletion waits for who indexes the chunk, and then notes that the segment is wrong."""
    await add(store, ANNA, ["hail roof", "fire", "deductible"])
    async with store.service() as connection:
        await connection.execute(sa.text("SELECT FROM unindexed_chunks FOR UPDATE"))
        deleting = asyncio.create_task(change(store, _DELETE, user=ANNA, number=3, seed="x"))
        await until_somebody_waits(store, deleting)
        await connection.execute(sa.text("DELETE FROM unindexed_chunks"))  # as if it were indexed
    await deleting
    assert len(await table(store, "removed_chunks")) == 3
    assert await ranked(store, ANNA) == []


async def test_words_of_what_is_gone_leave_the_index(store: Database) -> None:
    """What was deleted is gone from the posting lists once the segment is written anew."""
    await add(store, ANNA, ["hail roof", "secretword", "fire"])
    await index_all(store, ANNA)
    gone = sa.text(f"DELETE FROM {SCHEMA}.document_chunks WHERE text = 'secretword'")
    await change(store, gone)
    assert await word_index.tidy(store, ANNA) == 1
    assert "secretword" not in {row["lexeme"] for row in await table(store, "word_postings")}
    assert await table(store, "removed_chunks") == []
    assert await same(store, ANNA)
    assert await word_index.tidy(store, ANNA) == 0


async def test_a_segment_without_living_chunks_disappears(store: Database) -> None:
    """When everything was deleted nothing is left but an empty index."""
    await add(store, ANNA, ["hail roof", "fire"])
    await index_all(store, ANNA)
    await change(store, _DELETE, user=ANNA, number=9, seed="")
    assert await ranked(store, ANNA) == []
    assert await word_index.tidy(store, ANNA) == 1
    assert await rows_left(store, ANNA) == {}


async def test_erasing_a_user_leaves_no_word(store: Database) -> None:
    """Segments, lists and notes go with the user, and another user's stay."""
    for user, name in ((ANNA, "anna"), (BEN, "ben")):
        await published(store, f"{name}.md", "hail roof", "fire", user=user)
        await index_all(store, user)
        await published(store, f"{name}-2.md", "wind", user=user)
    assert set(await rows_left(store, ANNA)) == {
        "unindexed_chunks", "word_segments", "word_postings",
    }  # fmt: skip
    async with store.service() as connection:
        await erase_user(connection, ANNA, ANNA)
    assert await rows_left(store, ANNA) == {}
    assert await same(store, BEN)


async def test_an_erasure_waits_for_who_indexes(store: Database) -> None:
    """What a process is indexing at this moment is erased too."""
    await published(store, "anna.md", "hail roof", "fire", user=ANNA)
    async with store.service() as connection:
        await word_forgetting.lock_index(connection, ANNA)

        async def erase() -> None:
            async with store.service() as own:
                await erase_user(own, ANNA, ANNA)

        erasing = asyncio.create_task(erase())
        await until_somebody_waits(store, erasing)
    await erasing
    assert await rows_left(store, ANNA) == {}


async def test_two_processes_do_not_index_the_same_user(store: Database) -> None:
    """The second one goes on to something else."""
    await add(store, ANNA, ["hail"])
    async with store.service() as connection:
        await word_forgetting.lock_index(connection, ANNA)
        assert await word_index.index_waiting(store, ANNA, least=1) == 0
        assert await word_index.tidy(store, ANNA) == 0
    assert await word_index.index_waiting(store, ANNA, least=1) == 1


async def test_few_chunks_stay_with_the_scan(store: Database) -> None:
    """A small user has no segments, and is found all the same."""
    document = await published(store, "anna.md", "hail roof", "fire", user=ANNA)
    jobs = [row["id"] for row in await table(store, "upload_jobs")]
    await index_published(store, jobs)
    assert document
    assert await segments(store, ANNA) == []
    assert len(await ranked(store, ANNA)) == 2


async def test_many_chunks_are_indexed_after_their_publication(store: Database) -> None:
    """Once enough of a user's wait, the next publication has them indexed."""
    await add(store, ANNA, [f"hail {number}" for number in range(word_index.WORTH_INDEXING)])
    await published(store, "anna.md", "roof", user=ANNA)
    jobs = [row["id"] for row in await table(store, "upload_jobs")]
    await index_published(store, jobs)
    assert await segments(store, ANNA) == []
    await index_published(store, jobs, least=word_index.WORTH_INDEXING)
    [made] = await segments(store, ANNA)
    assert made["chunks"] == word_index.WORTH_INDEXING + 1
    assert "unindexed_chunks" not in await rows_left(store, ANNA)
    assert await same(store, ANNA)


async def test_no_backup_holds_the_index(store: Database, store_url: str) -> None:
    """It is made anew from the chunks: what is loaded waits to be indexed."""
    await add(store, ANNA, ["hail roof"])
    await index_all(store, ANNA)
    with snapshot(store_url) as saved:
        assert not {derived.name for derived in DERIVED_TABLES} & set(saved.columns)
        assert "document_chunks" in saved.columns


async def test_a_rebuilt_index_gives_the_same(store: Database) -> None:
    """Thrown away and made again, it ranks as before; nothing waits twice."""
    await add(store, ANNA, ["hail roof", "fire"] * 5)
    await index_all(store, ANNA)
    before = await ranked(store, ANNA)
    await word_forgetting.rebuild(store, ANNA)
    assert await segments(store, ANNA) == []
    assert await ranked(store, ANNA) == before
    await index_everybody(store)
    await index_all(store, ANNA)
    assert await ranked(store, ANNA) == before


def test_segments_are_written_anew_when_it_pays() -> None:
    """Eight small ones become one; worn ones alone; full ones stay as they are."""
    full = Segment(1, 65_536, 65_000, overdue=False)
    small = [Segment(number, 2_000, 2_000, overdue=False) for number in range(2, 10)]
    assert worth_rewriting([*small, full]) == [each.id for each in small]
    assert worth_rewriting([*small[1:], full]) == []
    assert worth_rewriting([Segment(1, 65_536, 50_000, overdue=False)]) == [1]
    assert worth_rewriting([Segment(1, 65_536, 65_000, overdue=True)]) == [1]
    large = [Segment(number, 16_000, 16_000, overdue=False) for number in range(9)]
    assert worth_rewriting(large) == [0, 1, 2, 3]


async def test_words_with_odd_signs_are_found(store: Database) -> None:
    """Quotes, backslashes and letters of any script are words like others."""
    odd = ["o'brien", "back\\slash", "größe", "保険"]
    words = " ".join(f"{word_scan.as_tsquery(each)}:{place}" for place, each in enumerate(odd, 1))
    insert = sa.text(f"UPDATE {SCHEMA}.document_chunks SET search = CAST(:words AS tsvector)")
    await add(store, ANNA, ["hail"])
    await change(store, insert, words=f"{words} x:9")
    await index_all(store, ANNA)
    lexemes = {row["lexeme"] for row in await table(store, "word_postings")}
    assert set(odd) <= lexemes
    found = await ranked(store, ANNA, [Term(each) for each in [*odd, "x"]])
    assert found == await scanned(store, ANNA, [Term(each) for each in [*odd, "x"]])
    assert len(found) == 1
