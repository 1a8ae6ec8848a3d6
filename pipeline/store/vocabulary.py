"""Asks for the words of the reader's own documents: which are in none, and what is near them.

Every statement sees what the connection's role may see, so nobody's word is taken from another's
documents. A vocabulary is drawn from a sample of bounded size, since it is needed only for a word
that is in no document at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.store.search_facts import SearchFacts
from pipeline.words import NearWord
from pipeline.words.near_words import (
    may_be_mistyped,
    most_errors,
    near_lexemes,
    nearest_spelling,
)

# So many chunks of the reader's are looked through for near words. Ids are spread evenly.
SAMPLED = 5_000
_MOST_TRIED = 4
_LAST_ID = 2**128 - 1

# Most words are in one of a few chunks; only for the others all have to be looked through, once.
_IN_SAMPLE = sa.text(
    """
    SELECT word FROM unnest(CAST(:words AS text[])) AS asked(word)
    WHERE EXISTS (SELECT FROM document_chunks AS c
                  WHERE c.id <= :until AND c.search @@ CAST(word AS tsquery))
    """
)
_ANYWHERE = sa.text(
    """
    SELECT DISTINCT asked.word
    FROM document_chunks AS c
    JOIN unnest(CAST(:words AS text[])) AS asked(word) ON c.search @@ CAST(asked.word AS tsquery)
    WHERE c.search @@ CAST(:any AS tsquery)
    """
)
_VOCABULARY = sa.text(
    """
    SELECT lexeme FROM (
        SELECT search FROM document_chunks WHERE id <= :until LIMIT :most
    ) AS c, unnest(c.search)
    WHERE lexeme ~ '^[a-z]+$' AND length(lexeme) BETWEEN :shortest AND :longest
      AND left(lexeme, 1) = ANY(CAST(:initials AS text[]))
    GROUP BY lexeme ORDER BY count(*) DESC, lexeme
    """
)
_EXAMPLE = sa.text(
    """
    SELECT c.text, c.context, c.heading_path, coalesce(j.language, '') AS language
    FROM document_chunks AS c JOIN documents AS d ON d.id = c.document_id
    LEFT JOIN upload_jobs AS j ON j.id = d.published_job_id
    WHERE c.search @@ CAST(:lexeme AS tsquery) LIMIT 1
    """
)


async def near_words(
    connection: AsyncConnection, question: str, facts: SearchFacts
) -> list[NearWord]:
    """What to take for those words of a question that stand in none of the reader's documents."""
    candidates = may_be_mistyped(question, facts.words.languages)
    if not candidates:
        return []
    until = _end_of_sample(facts.chunks)
    missing = await _absent(connection, candidates, until)
    if not missing:
        return []
    vocabulary = await nearby_lexemes(connection, missing, until)
    found = [
        await _nearest(connection, word, candidates[word], vocabulary, most_errors(word))
        for word in missing
    ]
    return [each for each in found if each is not None]


def _end_of_sample(size: int) -> UUID:
    """The id up to which about `SAMPLED` of so many chunks are, or all of fewer."""
    return UUID(int=_LAST_ID * SAMPLED // max(size, SAMPLED))


async def _absent(
    connection: AsyncConnection, candidates: Mapping[str, frozenset[str]], until: UUID
) -> list[str]:
    """Those words of which no lexeme is in any chunk."""
    queries = {word: " | ".join(sorted(stems)) for word, stems in candidates.items()}
    left = set(queries.values())
    left -= set(await _scalars(connection, _IN_SAMPLE, words=sorted(left), until=until))
    if left:
        values = {"words": sorted(left), "any": " | ".join(sorted(left))}
        left -= set(await _scalars(connection, _ANYWHERE, **values))
    return [word for word, query in queries.items() if query in left]


async def nearby_lexemes(
    connection: AsyncConnection, missing: Sequence[str], until: UUID
) -> list[str]:
    """The lexemes of the reader's that may be near, frequent ones first."""
    values = {
        "until": until,
        "most": 2 * SAMPLED,
        "shortest": min(map(len, missing)) - 4,
        "longest": max(map(len, missing)) + 2,
        "initials": sorted({word[0] for word in missing}),
    }
    return await _scalars(connection, _VOCABULARY, **values)


async def _scalars(
    connection: AsyncConnection, statement: sa.TextClause, **values: object
) -> list[str]:
    return list((await connection.execute(statement, values)).scalars())


async def _nearest(
    connection: AsyncConnection,
    word: str,
    stems: Collection[str],
    vocabulary: Sequence[str],
    errors: int,
) -> NearWord | None:
    own = [lexeme for lexeme in vocabulary if lexeme[0] == word[0]]
    for lexeme in near_lexemes(stems, own, errors)[:_MOST_TRIED]:
        for row in await rows(connection, _EXAMPLE, {"lexeme": lexeme}):
            text = "\n".join([*row["heading_path"], row["context"], row["text"]])
            if taken := nearest_spelling(word, lexeme, text, row["language"]):
                return NearWord(word, taken, (lexeme,))
    return None
