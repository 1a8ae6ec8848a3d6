"""Folding in SQL is folding in Python, character by character."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.store.engine import Database
from pipeline.store.folding import folded
from pipeline.text import APART, FOLDED_ALONE, UNSEEN, fold, normalize

_FOLDED = sa.text(
    f"""
    SELECT {folded("given.text")} FROM unnest(CAST(:texts AS text[]))
        WITH ORDINALITY AS given(text, n) ORDER BY n
    """
)


def _batches(items: list[tuple[str, str]], size: int) -> list[list[tuple[str, str]]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


async def in_sql(database: Database, texts: list[str]) -> list[str]:
    """Each text as Postgres folds it."""
    async with database.service() as connection:
        return list((await connection.execute(_FOLDED, {"texts": texts})).scalars())


async def test_every_character_is_folded_alike(store: Database) -> None:
    """For each character that Python's Unicode knows, alone and between letters."""
    known = [
        character
        for character in map(chr, range(1, 0x110000))
        if unicodedata.category(character) not in ("Cn", "Cs", "Co")
    ]
    texts = [f"{each} a{each}b{each}{each}1" for each in known]
    different = [
        hex(ord(character))
        for part in _batches(list(zip(known, texts, strict=True)), 20_000)
        for (character, text), sql in zip(
            part, await in_sql(store, [text for _, text in part]), strict=True
        )
        if fold(text) != sql
    ]
    assert len(known) > 140_000
    assert different == []


@given(
    texts=st.lists(
        st.text(
            st.characters(exclude_categories=["Cs", "Cn"])
            | st.sampled_from(list(FOLDED_ALONE) + list(UNSEEN) + list(APART.replace("-", "")))
        ).map(lambda text: normalize(text).text),
        min_size=1,
        max_size=20,
    )
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_text_is_folded_alike(store: Database, texts: list[str]) -> None:
    """Whatever stands beside each other."""
    assert await in_sql(store, texts) == [fold(text) for text in texts]
