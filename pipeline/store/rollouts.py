"""Rollouts: each deployment of a release to an environment, step by step, and how it ended."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import UsageError
from pipeline.store.engine import Database, records
from pipeline.store.session_timeouts import LASTING


class Step(StrEnum):
    """How far a rollout has come: the last step that is done, or how it ended."""

    BEGUN = "begun"
    MIGRATED = "migrated"
    SWITCHED = "switched"
    DEPLOYED = "deployed"
    ROLLING_BACK = "rolling_back"
    VERIFIED = "verified"
    REFUSED = "refused"  # before anything was changed
    ROLLED_BACK = "rolled_back"
    SUPERSEDED = "superseded"  # verified once, and a person went back from it

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it is under way any more."""
        return self in (Step.VERIFIED, Step.REFUSED, Step.ROLLED_BACK, Step.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class Rollout:
    """One deployment of a release.

    Attributes:
        previous_id: the rollout that was verified last when this one began.
        revision_before: the schema's, to which it is taken back; empty when there was none.
        declared: the environment as its file was then.
        reason: why it was refused or rolled back.
        who: user and machine.
    """

    id: UUID
    environment: str
    release_id: str
    previous_id: UUID | None
    revision_before: str
    declared: dict[str, Any]
    step: str
    reason: str
    verification: dict[str, Any] | None
    who: str
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RecordedRelease:
    """A release that this environment knows."""

    id: str
    manifest: dict[str, Any]
    artifact_key: str
    created_at: datetime


_RECORD = sa.text(
    """
    INSERT INTO releases (id, manifest, artifact_key)
    VALUES (:id, CAST(:manifest AS jsonb), :artifact_key) ON CONFLICT (id) DO NOTHING
    """
)
_RELEASES = sa.text(
    """
    SELECT id, manifest, artifact_key, created_at FROM releases
    WHERE CAST(:id AS text) IS NULL OR id = :id ORDER BY created_at DESC, id
    """
)


async def record_release(
    connection: AsyncConnection, release_id: str, manifest: dict[str, Any], artifact_key: str
) -> None:
    """Note a release; again it changes nothing."""
    values = {"id": release_id, "manifest": json.dumps(manifest), "artifact_key": artifact_key}
    await connection.execute(_RECORD, values)


async def releases(
    connection: AsyncConnection, release_id: str | None = None
) -> Sequence[RecordedRelease]:
    """What was recorded here, the newest first; or the one of an id."""
    return await records(connection, RecordedRelease, _RELEASES, {"id": release_id})


_BEGIN = sa.text(
    """
    INSERT INTO rollouts
        (id, environment, release_id, previous_id, revision_before, declared, step, who)
    VALUES (:id, :environment, :release, :previous, :revision, CAST(:declared AS jsonb), 'begun',
            :who)
    """
)


async def begin_rollout(
    connection: AsyncConnection,
    environment: str,
    release_id: str,
    *,
    previous: UUID | None,
    revision_before: str,
    declared: dict[str, Any],
    who: str,
) -> UUID:
    """Begin a rollout; there is one at a time.

    Raises:
        UsageError: another one is under way.
    """
    values = {
        "id": uuid4(), "environment": environment, "release": release_id, "previous": previous,
        "revision": revision_before, "declared": json.dumps(declared), "who": who,
    }  # fmt: skip
    try:
        await connection.execute(_BEGIN, values)
    except IntegrityError as error:
        raise UsageError(
            f"Another deployment to {environment} is under way.",
            remedy=f"See it with `navigator releases {environment}`, and wait for its end.",
        ) from error
    return UUID(str(values["id"]))


_STEP = sa.text(
    """
    UPDATE rollouts
    SET step = :step, updated_at = clock_timestamp(),
        reason = CASE WHEN :reason = '' THEN reason ELSE :reason END,
        verification = coalesce(CAST(:verification AS jsonb), verification),
        ended_at = CASE WHEN :ended THEN clock_timestamp() ELSE ended_at END
    WHERE id = :id AND (ended_at IS NULL OR step = 'verified' AND :step = 'superseded')
    """
)


async def enter_step(
    connection: AsyncConnection,
    rollout: UUID,
    step: Step,
    *,
    reason: str = "",
    verification: dict[str, Any] | None = None,
) -> bool:
    """Note that a step is done; False when the rollout has ended already, by somebody else."""
    told = None if verification is None else json.dumps(verification)
    done = await connection.execute(
        _STEP,
        {"id": rollout, "step": step.value, "reason": reason, "verification": told,
         "ended": step.has_ended},
    )  # fmt: skip
    return done.rowcount == 1


_COLUMNS = """
    SELECT id, environment, release_id, previous_id, revision_before, declared, step, reason,
           verification, who, created_at, updated_at, ended_at
    FROM rollouts
"""
_SELECT = f"{_COLUMNS} WHERE environment = :environment"
_ONE = sa.text(f"{_COLUMNS} WHERE id = :id")
_UNDER_WAY = sa.text(f"{_SELECT} AND ended_at IS NULL")
_VERIFIED = sa.text(
    f"{_SELECT} AND step = 'verified' ORDER BY ended_at DESC, created_at DESC LIMIT :most"
)
_EVERYWHERE = sa.text(f"{_COLUMNS} ORDER BY created_at DESC, id LIMIT :most")
_HISTORY = sa.text(f"{_SELECT} ORDER BY created_at DESC, id LIMIT :most")


async def rollout(connection: AsyncConnection, rollout_id: UUID) -> Rollout:
    """One rollout, by its id."""
    [found] = await records(connection, Rollout, _ONE, {"id": rollout_id})
    return found


async def under_way(connection: AsyncConnection, environment: str) -> Rollout | None:
    """The rollout that has not ended, whether somebody works on it or not."""
    found = await records(connection, Rollout, _UNDER_WAY, {"environment": environment})
    return found[0] if found else None


async def verified(
    connection: AsyncConnection, environment: str, most: int = 2
) -> Sequence[Rollout]:
    """Those that were verified and not gone back from, the newest first."""
    values = {"environment": environment, "most": most}
    return await records(connection, Rollout, _VERIFIED, values)


async def history(
    connection: AsyncConnection, environment: str, most: int = 50
) -> Sequence[Rollout]:
    """The rollouts of an environment, the newest first."""
    values = {"environment": environment, "most": most}
    return await records(connection, Rollout, _HISTORY, values)


async def everywhere(connection: AsyncConnection, most: int) -> Sequence[Rollout]:
    """The rollouts of every environment that this database knows, the newest first."""
    return await records(connection, Rollout, _EVERYWHERE, {"most": most})


_ALONE = 620_816


@asynccontextmanager
async def alone(database: Database, environment: str) -> AsyncIterator[bool]:
    """Be the one process that changes this environment; False when another is.

    The lock is the connection's: it goes with the process, however that ends.
    """
    address = database.owner_address.set(drivername="postgresql")
    url = address.render_as_string(hide_password=False)
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, **LASTING)
    try:
        key = (_ALONE, environment)
        found = await connection.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", key)
        row = await found.fetchone()
        held = bool(row and row[0])
        try:
            yield held
        finally:
            # Postgres ends a closed connection only a moment later: who comes next is not to wait.
            if held:
                with suppress(psycopg.Error):
                    await connection.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", key)
    finally:
        await connection.close()
