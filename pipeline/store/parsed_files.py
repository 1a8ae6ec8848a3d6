"""Deduplicates parses: the same bytes of one user go through one parser once.

A row is first a reservation with a lease (so that two workers do not both pay a remote parser),
then the reference to the stored text.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import rows
from pipeline.worker_identity import dead_workers


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A reservation or a finished parse.

    Attributes:
        mine: this worker holds the reservation and is to parse.
        storage_key: where the text is stored; None until it is done.
        remote_job_id: the remote parser's job, when it was submitted.
        submitted: a submission was begun, so a job may exist even without `remote_job_id`.
        paid: the remote job is on the bill already; only its text was lost.
    """

    mine: bool
    storage_key: str | None
    remote_job_id: str | None
    submitted: bool
    paid: bool


_HOLDER = sa.text(
    """
    SELECT claimed_by FROM parsed_files
    WHERE user_id = :user_id AND file_sha256 = :sha256 AND parser = :parser
      AND state = 'reserved' AND claimed_by IS NOT NULL
    """
)
_RESERVE = sa.text(
    """
    INSERT INTO parsed_files AS p
        (user_id, file_sha256, parser, claimed_by, lease_until)
    VALUES (:user_id, :sha256, :parser, :worker, now() + make_interval(secs => :lease))
    ON CONFLICT (user_id, file_sha256, parser) DO UPDATE SET
        claimed_by = EXCLUDED.claimed_by, lease_until = EXCLUDED.lease_until
    WHERE p.state = 'reserved' AND (p.claimed_by IS NULL OR p.claimed_by = :worker
          OR p.lease_until < now() OR p.claimed_by = ANY(:dead))
    """
)
_READ = sa.text(
    """
    SELECT state, claimed_by = :worker AS mine, storage_key, remote_job_id,
           submitted_at IS NOT NULL AS submitted, coalesce(credits, 0) > 0 AS paid
    FROM parsed_files
    WHERE user_id = :user_id AND file_sha256 = :sha256 AND parser = :parser
    """
)


async def reserve(
    connection: AsyncConnection,
    user_id: UUID,
    sha256: str,
    parser: str,
    worker: str,
    lease_seconds: float,
) -> ParsedFile:
    """Find the finished parse, or reserve the right to do it, or learn that another does it."""
    values = {
        "user_id": user_id,
        "sha256": sha256,
        "parser": parser,
        "worker": worker,
        "lease": lease_seconds,
    }
    holders = (await connection.execute(_HOLDER, values)).scalars()
    await connection.execute(_RESERVE, {**values, "dead": dead_workers(holders)})
    row = (await rows(connection, _READ, values))[0]
    done = row["state"] == "done"
    return ParsedFile(
        mine=bool(row["mine"]) and not done,
        storage_key=row["storage_key"] if done else None,
        remote_job_id=row["remote_job_id"],
        submitted=row["submitted"],
        paid=row["paid"],
    )


_SUBMITTING = sa.text(
    """
    UPDATE parsed_files SET submitted_at = now()
    WHERE user_id = :user_id AND file_sha256 = :sha256 AND parser = :parser
      AND claimed_by = :worker AND state = 'reserved'
    """
)
_SUBMITTED = sa.text(
    """
    UPDATE parsed_files SET remote_job_id = :remote
    WHERE user_id = :user_id AND file_sha256 = :sha256 AND parser = :parser
    """
)
_FORGET = sa.text(
    """
    DELETE FROM parsed_files
    WHERE user_id = :user_id AND file_sha256 = :sha256 AND parser = :parser
      AND claimed_by = :worker AND state = 'reserved'
    """
)
_RELEASE = sa.text(
    """
    UPDATE parsed_files SET claimed_by = NULL, lease_until = NULL
    WHERE user_id = :user_id AND file_sha256 = :sha256 AND parser = :parser
      AND claimed_by = :worker AND state = 'reserved'
    """
)


_REOPEN = sa.text(
    """
    UPDATE parsed_files SET state = 'reserved', claimed_by = NULL, lease_until = NULL
    WHERE user_id = :user_id AND file_sha256 = :sha256 AND parser = :parser AND state = 'done'
    """
)


async def reopen(connection: AsyncConnection, user_id: UUID, sha256: str, parser: str) -> None:
    """Offer a finished parse again, because its text was lost; its remote job is kept."""
    values = {"user_id": user_id, "sha256": sha256, "parser": parser}
    await connection.execute(_REOPEN, values)


async def release(
    connection: AsyncConnection,
    user_id: UUID,
    sha256: str,
    parser: str,
    worker: str,
    *,
    forget: bool,
) -> None:
    """Release a reservation; with `forget`, also what was submitted under it."""
    values = {"user_id": user_id, "sha256": sha256, "parser": parser, "worker": worker}
    await connection.execute(_FORGET if forget else _RELEASE, values)


async def note_submission(
    connection: AsyncConnection,
    user_id: UUID,
    sha256: str,
    parser: str,
    worker: str,
    remote: str | None,
) -> None:
    """Record that a remote submission begins (`remote` None), or which job it became."""
    values = {"user_id": user_id, "sha256": sha256, "parser": parser, "worker": worker}
    if remote is None:
        await connection.execute(_SUBMITTING, values)
    else:
        await connection.execute(_SUBMITTED, {**values, "remote": remote})


@dataclass(frozen=True, slots=True)
class FinishedParse:
    """What a parse came to."""

    user_id: UUID
    sha256: str
    parser: str
    storage_key: str
    pages: int | None
    characters: int
    credits: Decimal = Decimal(0)


_DONE = sa.text(
    """
    INSERT INTO parsed_files
        (user_id, file_sha256, parser, state, storage_key, pages, characters, credits)
    SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:shas AS text[]), CAST(:parsers AS text[]),
        array_fill('done'::text, ARRAY[cardinality(CAST(:shas AS text[]))]),
        CAST(:keys AS text[]), CAST(:pages AS int[]), CAST(:characters AS bigint[]),
        CAST(:credits AS numeric[]))
    ORDER BY 1, 2, 3
    ON CONFLICT (user_id, file_sha256, parser) DO UPDATE SET
        state = 'done', storage_key = EXCLUDED.storage_key, pages = EXCLUDED.pages,
        characters = EXCLUDED.characters, credits = EXCLUDED.credits,
        claimed_by = NULL, lease_until = NULL
    """
)


async def finish(connection: AsyncConnection, parses: list[FinishedParse]) -> None:
    """Record finished parses; the stored text must already be in place."""
    unique = list({(each.user_id, each.sha256, each.parser): each for each in parses}.values())
    if not unique:
        return
    await connection.execute(
        _DONE,
        {
            "users": [each.user_id for each in unique],
            "shas": [each.sha256 for each in unique],
            "parsers": [each.parser for each in unique],
            "keys": [each.storage_key for each in unique],
            "pages": [each.pages for each in unique],
            "characters": [each.characters for each in unique],
            "credits": [each.credits for each in unique],
        },
    )


_FOUND = sa.text(
    """
    SELECT p.user_id, p.file_sha256, p.parser, p.storage_key
    FROM parsed_files AS p
    JOIN unnest(CAST(:users AS uuid[]), CAST(:shas AS text[]), CAST(:parsers AS text[]))
        AS w(user_id, sha256, parser)
      ON p.user_id = w.user_id AND p.file_sha256 = w.sha256 AND p.parser = w.parser
    WHERE p.state = 'done'
    """
)


async def find(
    connection: AsyncConnection, wanted: list[tuple[UUID, str, str]]
) -> dict[tuple[UUID, str, str], str]:
    """Storage keys of the finished parses among (user, file sha256, parser)."""
    values = {
        "users": [each[0] for each in wanted],
        "shas": [each[1] for each in wanted],
        "parsers": [each[2] for each in wanted],
    }
    found = await rows(connection, _FOUND, values)
    return {(r["user_id"], r["file_sha256"], r["parser"]): r["storage_key"] for r in found}
