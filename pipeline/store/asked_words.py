"""Makes a question's words for the reader who asks: in the languages of that reader's documents."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.folding import folded
from pipeline.text import normalize
from pipeline.words import AskedWord, NearWord, asked_words
from pipeline.words.languages import DEFAULT, known
from pipeline.words.question_words import MAX_CHARACTERS, MAX_LANGUAGES, MAX_LEXEMES, MAX_WORDS

_LANGUAGES = sa.text(
    """
    SELECT language FROM word_languages
    GROUP BY language ORDER BY min(created_at), language LIMIT :most
    """
)
# By the index over them, which is empty once `maintain` has made their words anew.
_HAS_OLD = sa.text("SELECT EXISTS (SELECT FROM document_chunks WHERE words_rule = 0)")
_OLD = sa.text(
    f"""
    SELECT lexeme FROM (SELECT CAST(:text AS text) AS text) AS asked,
        unnest(to_tsvector('english', {folded("asked.text")}))
    ORDER BY positions[1], lexeme LIMIT :words
    """
)
# What only the rule before asks for: parts of amounts, among others, that newer chunks have too.
_OLD_WEIGHT = 0.5


async def reader_languages(connection: AsyncConnection) -> list[str]:
    """The languages of the words of the documents that the connection's role may see.

    English is one of them, since a passage in any document may be English.
    """
    found = (await connection.execute(_LANGUAGES, {"most": MAX_LANGUAGES - 1})).scalars()
    return list(dict.fromkeys([*map(known, found), DEFAULT]))


async def words_of_question(
    connection: AsyncConnection, text: str, near: Sequence[NearWord] = ()
) -> list[AskedWord]:
    """The lexemes to look for, each once; none for a question of stop words or signs alone.

    Args:
        near: what is taken for words that the reader's documents do not have.
    """
    found = asked_words(text, await reader_languages(connection), near)
    if await connection.scalar(_HAS_OLD):
        known = {each.lexeme for each in found}
        asked = {"text": normalize(text[:MAX_CHARACTERS]).text, "words": MAX_WORDS}
        old = [row["lexeme"] for row in await rows(connection, _OLD, asked)]
        found += [AskedWord(each, _OLD_WEIGHT) for each in old if each not in known]
    return found[: MAX_LEXEMES + MAX_WORDS]
