"""Keeps what the program did about incidents by itself; the same again soon is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.machine_answers import MachineAnswer
from pipeline.store.engine import records

SAME_MINUTES = 60
"""Within them the same answer, said in the same words, is one that is counted."""
_KEPT_DAYS = 400


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it is kept.

    Attributes:
        cause: of the incidents that it answers. count: how often it was given, until `seen_at`.
    """

    answer: str
    cause: str
    said: str
    count: int
    at: datetime
    seen_at: datetime


_AGAIN = sa.text(
    f"""
    UPDATE machine_answers SET count = count + 1, seen_at = now()
    WHERE id = (SELECT id FROM machine_answers
                WHERE seen_at > now() - interval '{SAME_MINUTES} minutes'
                  AND answer = :answer AND cause = :cause AND said = :said
                ORDER BY id DESC LIMIT 1)
    """
)
_NOTE = sa.text("INSERT INTO machine_answers (answer, cause, said) VALUES (:answer, :cause, :said)")
_NOTE_ONCE = sa.text(
    """
    INSERT INTO machine_answers (answer, cause, said)
    SELECT :answer, :cause, :said
    WHERE NOT EXISTS (SELECT FROM machine_answers
                      WHERE answer = :answer AND cause = :cause AND said = :said)
    """
)
_FORGET = sa.text(
    f"""
    WITH old AS (
        SELECT id FROM machine_answers WHERE seen_at < now() - interval '{_KEPT_DAYS} days'
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
    DELETE FROM machine_answers AS m USING old WHERE m.id = old.id
    """
)
_SINCE = sa.text(
    """
    SELECT answer, cause, said, count, at, seen_at FROM machine_answers
    WHERE seen_at > now() - make_interval(secs => :seconds)
      AND answer = ANY(CAST(:answers AS text[]))
    ORDER BY id
    """
)


async def note(connection: AsyncConnection, answer: MachineAnswer, cause: str, said: str) -> None:
    """Write down an answer; one that was given lately in the same words is counted."""
    values = {"answer": answer.value, "cause": cause, "said": said}
    if not (await connection.execute(_AGAIN, values)).rowcount:
        await connection.execute(_FORGET)
        await connection.execute(_NOTE, values)


async def note_once(
    connection: AsyncConnection, answer: MachineAnswer, cause: str, said: str
) -> None:
    """Write down an answer whose words tell it from every other, unless it is there."""
    values = {"answer": answer.value, "cause": cause, "said": said}
    await connection.execute(_NOTE_ONCE, values)


async def since(
    connection: AsyncConnection, seconds: float, answers: Sequence[MachineAnswer]
) -> list[KeptAnswer]:
    """Answers of these kinds that were given in the last seconds, the first one first."""
    values = {"seconds": seconds, "answers": [each.value for each in answers]}
    return await records(connection, KeptAnswer, _SINCE, values)
