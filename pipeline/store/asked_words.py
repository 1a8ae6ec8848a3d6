"""Makes a question's words for the reader who asks: in the languages of that reader's documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.folding import folded
from pipeline.text import normalize
from pipeline.words import AskedWord, NearWord, asked_words
from pipeline.words.languages import DEFAULT, known
from pipeline.words.question_words import MAX_CHARACTERS, MAX_LANGUAGES, MAX_LEXEMES, MAX_WORDS

# Old words by the index over them, which is empty once `maintain` has made their words anew.
WORD_FACTS = """
    ARRAY(SELECT language FROM word_languages
          GROUP BY language ORDER BY min(created_at), language LIMIT :most_languages) AS languages,
    EXISTS (SELECT FROM document_chunks WHERE words_rule = 0) AS has_old,
    EXISTS (SELECT FROM word_segments) AS has_index
"""
"""Columns that `WordFacts.of` reads; its parameters are `WordFacts.parameters`."""
_WORD_FACTS = sa.text(f"SELECT {WORD_FACTS}")
_OLD = sa.text(
    f"""
    SELECT lexeme FROM (SELECT CAST(:text AS text) AS text) AS asked,
        unnest(to_tsvector('english', {folded("asked.text")}))
    ORDER BY positions[1], lexeme LIMIT :words
    """
)
# What only the rule before asks for: parts of amounts, among others, that newer chunks have too.
_OLD_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class WordFacts:
    """What is known of the words of the documents that the connection's role may see.

    Attributes:
        languages: of the words. English is one, since a passage in any document may be English.
        has_old: whether some were made by the rule before. has_index: whether any are indexed.
    """

    languages: tuple[str, ...]
    has_old: bool
    has_index: bool

    @classmethod
    def of(cls, row: sa.RowMapping) -> WordFacts:
        """From a row with the columns of `WORD_FACTS`."""
        languages = dict.fromkeys([*map(known, row["languages"]), DEFAULT])
        return cls(tuple(languages), row["has_old"], row["has_index"])

    @staticmethod
    def parameters() -> dict[str, int]:
        """The parameters of `WORD_FACTS`."""
        return {"most_languages": MAX_LANGUAGES - 1}


async def word_facts(connection: AsyncConnection) -> WordFacts:
    """What is known of the words of the documents that the connection's role may see."""
    [row] = await rows(connection, _WORD_FACTS, WordFacts.parameters())
    return WordFacts.of(row)


async def words_of_question(
    connection: AsyncConnection, text: str, facts: WordFacts, near: Sequence[NearWord] = ()
) -> list[AskedWord]:
    """The lexemes to look for, each once; none for a question of stop words or signs alone.

    Args:
        near: what is taken for words that the reader's documents do not have.
    """
    found = asked_words(text, facts.languages, near)
    if facts.has_old:
        known = {each.lexeme for each in found}
        asked = {"text": normalize(text[:MAX_CHARACTERS]).text, "words": MAX_WORDS}
        old = [row["lexeme"] for row in await rows(connection, _OLD, asked)]
        found += [AskedWord(each, _OLD_WEIGHT) for each in old if each not in known]
    return found[: MAX_LEXEMES + MAX_WORDS]
