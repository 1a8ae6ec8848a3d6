"""Keeps the golden questions of users, with what a search found of each when it was asked last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records, rows

MOST = 200
"""Of one user: each is embedded anew every night."""


@dataclass(frozen=True, slots=True)
class KeptQuestion:
    """A question that a user keeps.

    Attributes:
        expected: passages, as records of a file of golden questions.
        asked_at: when the nightly check asked it last, if it did.
        found_at: the place of the first passage expected, from 1; None when none was found.
    """

    id: UUID
    user_id: UUID
    question: str
    expected: list[dict[str, Any]]
    created_at: datetime
    asked_at: datetime | None
    found_at: int | None


@dataclass(frozen=True, slots=True)
class KeptPassage:
    """A published passage, by which a question's answer is named."""

    name: str
    page: int | None
    text: str


_ALL = sa.text(
    """
    SELECT id, user_id, question, expected, created_at, asked_at, found_at
    FROM golden_questions ORDER BY created_at DESC, id
    """
)
_PASSAGE = sa.text(
    """
    SELECT d.name, c.page_first AS page, c.text
    FROM document_chunks AS c JOIN documents AS d ON d.id = c.document_id
    WHERE c.id = :id AND d.deleted_at IS NULL
    """
)
_COUNT = sa.text("SELECT count(*) FROM golden_questions WHERE user_id = :user_id AND id <> :id")
# A passage that is expected already is not expected twice.
_KEEP = sa.text(
    """
    INSERT INTO golden_questions AS g (id, user_id, question, expected)
    VALUES (:id, :user_id, :question, CAST(:expected AS jsonb))
    ON CONFLICT (id) DO UPDATE SET expected = CASE
        WHEN g.expected @> excluded.expected OR jsonb_array_length(g.expected) >= 50
        THEN g.expected ELSE g.expected || excluded.expected END
    RETURNING id, user_id, question, expected, created_at, asked_at, found_at
    """
)
_REMOVE = sa.text("DELETE FROM golden_questions WHERE id = :id AND user_id = :user_id")
_ANSWERED = sa.text(
    """
    WITH told AS (
        SELECT g.id, t.place FROM golden_questions AS g
        JOIN unnest(CAST(:ids AS uuid[]), CAST(:places AS int[])) AS t(id, place) ON t.id = g.id
        ORDER BY g.id FOR NO KEY UPDATE OF g
    )
    UPDATE golden_questions AS g SET asked_at = now(), found_at = told.place
    FROM told WHERE g.id = told.id
    """
)


async def all_questions(connection: AsyncConnection) -> list[KeptQuestion]:
    """Those that the connection's role may see, newest first."""
    return await records(connection, KeptQuestion, _ALL, {})


async def passage(connection: AsyncConnection, chunk_id: UUID) -> KeptPassage | None:
    """A published passage that the connection's role may see."""
    found = await records(connection, KeptPassage, _PASSAGE, {"id": chunk_id})
    return found[0] if found else None


async def others(connection: AsyncConnection, user_id: UUID, question_id: UUID) -> int:
    """How many a user keeps beside this one."""
    return int(await connection.scalar(_COUNT, {"user_id": user_id, "id": question_id}) or 0)


async def keep(
    connection: AsyncConnection,
    question_id: UUID,
    user_id: UUID,
    question: str,
    expected: Iterable[Mapping[str, Any]],
) -> KeptQuestion:
    """Keep a question; the same again gets the passages beside those that it has, up to fifty."""
    given = {
        "id": question_id,
        "user_id": user_id,
        "question": question,
        "expected": json.dumps(list(expected)),
    }
    (row,) = await rows(connection, _KEEP, given)
    return KeptQuestion(**row)


async def remove(connection: AsyncConnection, question_id: UUID, user_id: UUID) -> bool:
    """Remove a user's question; False when there is none."""
    gone = await connection.execute(_REMOVE, {"id": question_id, "user_id": user_id})
    return gone.rowcount > 0


async def answered(connection: AsyncConnection, places: Sequence[tuple[UUID, int | None]]) -> None:
    """Note what was found: each question with the place of the first passage expected."""
    ids, found = [each for each, _ in places], [place for _, place in places]
    await connection.execute(_ANSWERED, {"ids": ids, "places": found})
