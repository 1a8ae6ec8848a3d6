"""Processes that run: each announces itself, is seen again and again, and leaves at its end."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.engine import records

SEEN_SECONDS = 120.0
"""A process that was not seen for so long is gone."""
SILENT_SECONDS = 300.0
"""After so long its work is given to others: it may be on a machine that nobody else can see."""


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """A process that runs.

    Attributes:
        id: its name, as `pipeline.worker_identity` gives it.
        kind: api or worker.
        environment: that it is of; None for none, whose settings come from a file or variables.
        release: that it runs; None for a checkout.
        settings: in words by their names; secrets as keyed hashes.
    """

    id: str
    kind: str
    environment: str | None
    release: str | None
    settings: Mapping[str, str]
    started_at: datetime

    @property
    def name(self) -> str:
        """In words: what it is, on which machine, under which number."""
        host, _, number, _ = self.id.split("/")
        return f"{self.kind} {host}:{number}"


_ANNOUNCE = sa.text(
    """
    INSERT INTO processes (id, kind, environment, release, settings)
    VALUES (:id, :kind, :environment, :release, CAST(:settings AS jsonb))
    ON CONFLICT (id) DO UPDATE SET seen_at = now(), settings = excluded.settings
    """
)
_FORGET = sa.text(
    """
    WITH gone AS (
        SELECT id FROM processes WHERE seen_at < now() - interval '1 day'
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
    DELETE FROM processes AS p USING gone WHERE p.id = gone.id
    """
)
_SEE = sa.text("UPDATE processes SET seen_at = now() WHERE id = :id")
_LEAVE = sa.text("DELETE FROM processes WHERE id = :id")
_SILENT = sa.text(
    """
    SELECT id FROM processes WHERE id = ANY(CAST(:ids AS text[]))
      AND seen_at < now() - make_interval(secs => :seconds)
    """
)
_RUNNING = sa.text(
    """
    SELECT id, kind, environment, release, settings, started_at FROM processes
    WHERE seen_at > now() - make_interval(secs => :seconds) ORDER BY started_at, id
    """
)


async def announce(
    connection: AsyncConnection,
    name: str,
    kind: str,
    *,
    environment: str | None,
    release: str | None,
    settings: Mapping[str, str],
) -> None:
    """Write down that a process runs, and forget those that were not seen for a day."""
    await connection.execute(_FORGET)
    values = {"id": name, "kind": kind, "environment": environment, "release": release}
    await connection.execute(_ANNOUNCE, {**values, "settings": json.dumps(dict(settings))})


async def see(connection: AsyncConnection, name: str) -> None:
    """Write down that a process still runs."""
    await connection.execute(_SEE, {"id": name})


async def leave(connection: AsyncConnection, name: str) -> None:
    """Write down that a process ends."""
    await connection.execute(_LEAVE, {"id": name})


async def running(connection: AsyncConnection) -> Sequence[RunningProcess]:
    """The processes that were seen of late, in the order in which they began."""
    return await records(connection, RunningProcess, _RUNNING, {"seconds": SEEN_SECONDS})


async def silent(connection: AsyncConnection, names: Collection[str]) -> set[str]:
    """Of named processes those that were announced, never left, and were not seen for long."""
    values = {"ids": list(names), "seconds": SILENT_SECONDS}
    return set((await connection.execute(_SILENT, values)).scalars())
