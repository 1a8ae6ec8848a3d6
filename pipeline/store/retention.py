"""Retention rules: how long documents are kept, and which of them are past it.

The age of a document is that of its newest version. Where several rules apply, the one that keeps
it longest counts; where none does, it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import UsageError
from pipeline.store.engine import rows

MOST_AT_ONCE = 500
"""Documents of one look: more follow in the next."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long documents are kept.

    Attributes:
        owner_id: whose; None: everybody's.
        tag: those that have it; None: all.
        documents: to which it applies now; past: of these, those that are to go, without a hold.
    """

    name: str
    days: int
    owner_id: UUID | None = None
    tag: str | None = None
    who: str = ""
    created_at: datetime | None = None
    documents: int = 0
    past: int = 0


# An attachment goes with what it is inside of, whatever its own age.
_AGED = """
    SELECT d.id, d.user_id, d.tags, max(j.created_at) AS at
    FROM documents AS d JOIN upload_jobs AS j ON j.document_id = d.id
    WHERE d.deleted_at IS NULL AND d.parent_id IS NULL
    GROUP BY d.id
"""
_APPLIES = """
    (r.owner_id IS NULL OR r.owner_id = a.user_id) AND (r.tag IS NULL OR r.tag = ANY(a.tags))
"""
_DUE = sa.text(
    f"""
    WITH aged AS ({_AGED})
    SELECT a.id FROM aged AS a JOIN retention_rules AS r ON {_APPLIES}
    WHERE a.id > CAST(:after AS uuid)
    GROUP BY a.id, a.at
    HAVING a.at < now() - make_interval(days => max(r.days))
    ORDER BY a.id LIMIT :most
    """
)
_ALL = sa.text(
    f"""
    WITH aged AS ({_AGED})
    SELECT r.*, count(a.id) AS documents,
           count(a.id) FILTER (WHERE a.at < now() - make_interval(days => longest.days)) AS past
    FROM retention_rules AS r
    LEFT JOIN aged AS a ON {_APPLIES}
    LEFT JOIN LATERAL (
        SELECT max(o.days) AS days FROM retention_rules AS o
        WHERE {_APPLIES.replace("r.", "o.")}
    ) AS longest ON true
    GROUP BY r.name ORDER BY r.name
    """
)
_SET = sa.text(
    """
    INSERT INTO retention_rules (name, owner_id, tag, days, who)
    VALUES (:name, :owner_id, :tag, :days, :who)
    ON CONFLICT (name) DO UPDATE SET owner_id = excluded.owner_id, tag = excluded.tag,
        days = excluded.days, who = excluded.who, created_at = now()
    """
)
_REMOVE = sa.text("DELETE FROM retention_rules WHERE name = :name")


async def due(
    connection: AsyncConnection, *, after: UUID, most: int = MOST_AT_ONCE
) -> Sequence[UUID]:
    """Documents that no rule keeps any longer, by id; a hold may keep them all the same.

    Args:
        after: the last id of the look before.
    """
    found = await connection.execute(_DUE, {"after": after, "most": most})
    return found.scalars().all()


async def set_rule(connection: AsyncConnection, rule: RetentionRule) -> None:
    """Make a rule, or change the one of this name."""
    values = {
        "name": rule.name,
        "owner_id": rule.owner_id,
        "tag": rule.tag,
        "days": rule.days,
        "who": rule.who,
    }
    await connection.execute(_SET, values)


async def remove_rule(connection: AsyncConnection, name: str) -> None:
    """Remove a rule.

    Raises:
        UsageError: there is none of this name.
    """
    if not (await connection.execute(_REMOVE, {"name": name})).rowcount:
        raise UsageError(
            f"There is no retention rule {name[:63]!r}.",
            remedy="`navigator retention list` shows them.",
        )


async def all_rules(connection: AsyncConnection) -> list[RetentionRule]:
    """Every rule, by name, with how many documents it concerns."""
    return [
        RetentionRule(
            row["name"], row["days"], row["owner_id"], row["tag"], row["who"], row["created_at"],
            row["documents"], row["past"],
        )
        for row in await rows(connection, _ALL)
    ]  # fmt: skip
