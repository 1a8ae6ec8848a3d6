"""The recall of a vector index is measured by stored vectors, as their own users would search."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import numpy as np
import pytest
import sqlalchemy as sa

from pipeline.store import embedding_spaces, index_options, rankings, recall
from pipeline.store.engine import Database
from pipeline.store.index_figures import space_figures
from pipeline.store.index_options import built_with, narrower_indexes
from pipeline.store.schema import SCHEMA
from tests.pipeline.store.test_search import (
    ALICE,
    BOB,
    DIMENSION,
    SPACE,
    _around,
    _unit,
    _unwatched,
    corpus,
    publish,
)

__all__ = ["corpus"]


async def test_an_exact_search_has_full_recall(corpus: Database) -> None:
    """Two users' few vectors are compared one by one: everything is found, and the figure kept."""
    for user in (ALICE, BOB):
        await publish(corpus, user, ["words"] * 30, _around(_unit(1, 0, 0, 0), 30, 0.5, seed=1))
    assert await recall.measure(corpus, SPACE, DIMENSION)
    async with corpus.service() as connection:
        [kept] = await recall.latest(connection)
    assert (kept.space_id, kept.recall, kept.worst) == (SPACE, 1.0, 1.0)
    # a vector that is drawn twice is asked for once
    assert recall.QUESTIONS / 2 < kept.questions <= recall.QUESTIONS


async def test_an_index_that_misses_is_found_out(
    corpus: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that gives far vectors instead of near ones has a low figure."""
    await publish(corpus, ALICE, ["words"] * 40, _around(_unit(1, 0, 0, 0), 40, 0.9, seed=2))
    near = rankings.rank_by_vector

    async def far(connection: object, vector: np.ndarray, *scope: object) -> object:
        return await near(connection, -vector, *scope)  # type: ignore[arg-type]

    monkeypatch.setattr(rankings, "rank_by_vector", far)
    assert await recall.measure(corpus, SPACE, DIMENSION)
    async with corpus.service() as connection:
        [kept] = await recall.latest(connection)
    assert kept.recall < recall.LOW


async def test_only_indexes_are_measured_and_once_a_day(
    corpus: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A space without an index needs no watching; one that was measured lately waits."""
    monkeypatch.setattr(rankings, "EXACT_BELOW", 10)
    await publish(corpus, ALICE, ["words"] * 50, _around(_unit(1, 0, 0, 0), 50, 0.5, seed=3))
    assert await recall.measure_all(corpus, every_seconds=60) == []
    await embedding_spaces.build_index(corpus, SPACE, DIMENSION, _unwatched)
    [first] = await recall.measure_all(corpus, every_seconds=60)
    assert first.recall >= recall.LOW
    assert await recall.measure_all(corpus, every_seconds=60) == []
    assert len(await recall.measure_all(corpus, every_seconds=0)) == 1


async def test_an_empty_space_is_not_measured(corpus: Database) -> None:
    """There is nothing to ask for."""
    assert not await recall.measure(corpus, SPACE, DIMENSION)


async def test_a_rebuilt_index_takes_the_place_of_the_old_one(corpus: Database) -> None:
    """It is built beside it; what a build that was cut off has left is removed."""
    await publish(corpus, ALICE, ["words"] * 20, _around(_unit(1, 0, 0, 0), 20, 0.5, seed=4))
    await embedding_spaces.build_index(corpus, SPACE, DIMENSION, _unwatched)
    before = await _indexes(corpus)
    await embedding_spaces.build_index(corpus, SPACE, DIMENSION, _unwatched, anew=True)
    after = await _indexes(corpus)
    assert before.keys() == after.keys()
    assert before != after


async def test_an_index_built_narrower_is_told_and_rebuilt(
    corpus: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of an older release is told until it is rebuilt, even where a rebuild was cut off.

    One that has grown large is told too.
    """
    await publish(corpus, ALICE, ["words"] * 20, _around(_unit(1, 0, 0, 0), 20, 0.5, seed=4))
    assert await _narrower(corpus) == (None, set())
    await embedding_spaces.build_index(corpus, SPACE, DIMENSION, _unwatched)
    assert await _options(corpus) == ("ef_construction = 128", ["ef_construction=128"])
    assert await _narrower(corpus) == (False, set())
    with monkeypatch.context() as grown:
        few = index_options._NARROWER_SPACES.text.replace("200000", "20")
        grown.setattr(index_options, "_NARROWER_SPACES", sa.text(few))
        assert (await _narrower(corpus))[1] == {SPACE}
    index = f"{SCHEMA}.{next(iter(await _indexes(corpus)))}"
    for statement in (f"COMMENT ON INDEX {index} IS NULL",
                      f"ALTER INDEX {index} RESET (ef_construction)"):  # fmt: skip
        async with corpus.owner() as connection:
            await connection.execute(sa.text(statement))
    assert await _narrower(corpus) == (True, {SPACE})
    with monkeypatch.context() as cut_off:
        cut_off.setattr(embedding_spaces, "_count", _large)
        cut_off.setattr(asyncio, "create_task", _cut_off)
        with pytest.raises(RuntimeError):
            await embedding_spaces.build_index(corpus, SPACE, DIMENSION, _unwatched, anew=True)
    assert await _options(corpus) == ("ef_construction = 64", ["ef_construction=200"])
    assert await _narrower(corpus) == (True, {SPACE})
    monkeypatch.setattr(embedding_spaces, "_count", _large)
    await embedding_spaces.build_index(corpus, SPACE, DIMENSION, _unwatched, anew=True)
    # what is inserted from now on costs no more than before
    assert await _options(corpus) == ("ef_construction = 200", ["ef_construction=128"])
    assert await _narrower(corpus) == (False, set())


def test_a_large_index_is_built_more_widely() -> None:
    """From where it was measured that the narrower one misses."""
    widths = [built_with(vectors) for vectors in (0, 199_999, 200_000, 10_000_000)]
    assert widths == [f"ef_construction = {width}" for width in (128, 128, 200, 200)]


async def _large(database: Database, space_id: UUID) -> int:
    return 200_000


def _cut_off(build: Coroutine[object, object, object]) -> None:
    build.close()
    raise RuntimeError


async def _narrower(database: Database) -> tuple[bool | None, set[UUID]]:
    """Whether the space's index is told as older: to who asks for the figures, and to findings."""
    async with database.service() as connection:
        [space] = await space_figures(connection)
        return space.narrower, await narrower_indexes(connection)


async def _options(database: Database) -> tuple[str | None, list[str] | None]:
    """What the index was built with, by its comment, and what it takes in new vectors with."""
    query = sa.text(
        "SELECT obj_description(oid, 'pg_class'), reloptions FROM pg_class"
        f" WHERE relname LIKE '%\\_hnsw' AND relnamespace = '{SCHEMA}'::regnamespace"
    )
    async with database.owner() as connection:
        comment, options = (await connection.execute(query)).one()
        return comment, options


async def _indexes(database: Database) -> dict[str, int]:
    query = sa.text(
        "SELECT relname, relfilenode FROM pg_class WHERE relname LIKE '%\\_hnsw%'"
        f" AND relnamespace = '{SCHEMA}'::regnamespace"
    )
    async with database.owner() as connection:
        return {row.relname: row.relfilenode for row in await connection.execute(query)}


async def test_an_index_that_finds_too_little_is_built_anew_once(
    corpus: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By maintenance, with its answer written down; when that did not help, a person is told."""
    from stages.reconciling import recall as watching
    from stages.reconciling.inspection import Inspection

    await publish(corpus, ALICE, ["words"] * 30, _around(_unit(1, 0, 0, 0), 30, 0.5, seed=1))
    built: list[object] = []

    async def build(_: object, space: object, *__: object, anew: bool) -> None:
        built.append((space, anew))

    async def indexed(_: Database) -> list[tuple[object, int]]:
        return [(SPACE, DIMENSION)]

    async def measured(*_: object, **__: object) -> list[recall.Recall]:
        return []

    monkeypatch.setattr(embedding_spaces, "build_index", build)
    monkeypatch.setattr(embedding_spaces, "indexed_spaces", indexed)
    monkeypatch.setattr(recall, "measure_all", measured)
    look = Inspection(cast("Any", SimpleNamespace(database=corpus)), fix=True)
    assert await recall.measure(corpus, SPACE, DIMENSION)
    for mended, times in ((True, 1), (False, 1)):
        async with corpus.service() as connection:
            await connection.execute(sa.text("UPDATE vector_recall SET recall = 0.5"))
        [found] = [each async for each in watching.low_recall(look)]
        assert (found.mended, found.person) == (mended, not mended)
        assert built == [(SPACE, True)] * times
