"""Stores what an ingest is to take in, and for whom, so that Prefect need not be told."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store import runs


@dataclass(frozen=True, slots=True)
class RequestedRun:
    """The paths of an ingest, whose documents they become, and the tags that these get.

    Attributes:
        exclude: gitignore patterns of what is left out of folders.
    """

    user: UUID
    paths: tuple[str, ...]
    tags: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


async def request_run(
    connection: AsyncConnection,
    run_id: UUID,
    wanted: RequestedRun,
    max_cost_usd: Decimal | None,
    *,
    asked: bool = True,
) -> None:
    """Write down what a run is to do; a run that is there already stays as it is.

    Args:
        asked: as in `runs.start_run`.
    """
    options = {
        "paths": [_written(path) for path in wanted.paths],
        "tags": list(wanted.tags),
        "exclude": list(wanted.exclude),
    }
    await runs.start_run(
        connection, run_id, wanted.user, "ingest",
        options=options, max_cost_usd=max_cost_usd, asked=asked,
    )  # fmt: skip


_REQUESTED = sa.text("SELECT user_id, options FROM ingest_runs WHERE id = :id AND kind = 'ingest'")


async def requested_run(connection: AsyncConnection, run_id: UUID) -> RequestedRun | None:
    """What a run was to do; None when it is no ingest, or nobody asked for it."""
    found = (await connection.execute(_REQUESTED, {"id": run_id})).first()
    if found is None:
        return None
    told = found.options
    return RequestedRun(
        found.user_id,
        tuple(_read(told.get("paths", ()))),
        tuple(told.get("tags", ())),
        tuple(told.get("exclude", ())),
    )


def _written(path: str) -> str | dict[str, str]:
    """A path as JSON can hold it: one with bytes that are no UTF-8 as these, in hexadecimal."""
    raw = os.fsencode(path)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return {"bytes": raw.hex()}


def _read(paths: Iterable[str | dict[str, str]]) -> list[str]:
    return [
        path if isinstance(path, str) else os.fsdecode(bytes.fromhex(path["bytes"]))
        for path in paths
    ]
