"""Reads metrics over everybody's work and all processes. Read only; no user is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.states import WORKING
from pipeline.store.engine import rows
from pipeline.store.schema import listed
from pipeline.store.service_waits import waited_for

Row = Mapping[Any, Any]
LATENCY_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
"""Upper bounds of the buckets of stages and service calls."""

_SETTLED_SECONDS = 60
_WORKING = listed(WORKING)


def _buckets(column: str) -> str:
    return ", ".join(
        f"count(*) FILTER (WHERE {column} <= {bound}) AS b{index}"
        for index, bound in enumerate(LATENCY_SECONDS)
    )


_DOCUMENTS = sa.text(
    """
    SELECT j.state, count(*) AS number FROM documents AS d
    JOIN upload_jobs AS j ON j.id = d.latest_job_id
    WHERE d.deleted_at IS NULL GROUP BY j.state
    """
)
_QUEUE = sa.text(
    f"""
    SELECT count(*) FILTER (WHERE NOT held) AS waiting, count(*) FILTER (WHERE held) AS held,
           coalesce(extract(epoch FROM clock_timestamp() - min(updated_at)
                            FILTER (WHERE NOT held)), 0) AS oldest
    FROM (SELECT updated_at, claimed_by IS NOT NULL AND lease_until >= now() AS held
          FROM upload_jobs WHERE state IN ({_WORKING})) AS j
    """
)
_FAILURES = sa.text(
    """
    SELECT state, error_code AS code, count(*) AS number FROM upload_jobs
    WHERE error_code IS NOT NULL GROUP BY state, error_code
    """
)
_BUFFERS = sa.text(
    """
    SELECT (SELECT count(*) FROM document_chunk_buffer) AS chunks,
           (SELECT count(*) FROM document_vector_buffer WHERE embedding IS NOT NULL)
               AS vectors,
           (SELECT count(*) FROM document_vector_buffer WHERE embedding IS NULL)
               AS reservations
    """
)
_STAGES = sa.text(
    f"""
    SELECT s.key AS stage, count(*) AS number, sum(s.value::float) AS seconds,
           {_buckets("s.value::float")}
    FROM upload_jobs, jsonb_each_text(stage_seconds) AS s GROUP BY s.key
    """
)
_WEBHOOKS = sa.text(
    """
    SELECT event_type, outcome, count(*) AS number FROM webhook_events
    GROUP BY event_type, outcome
    """
)
_CIRCUITS = sa.text(
    """
    SELECT provider, circuit, failures,
           greatest(extract(epoch FROM paused_until - clock_timestamp()), 0) AS paused,
           open_since, greatest(extract(epoch FROM clock_timestamp() - open_since), 0) AS failing
    FROM provider_budgets
    """
)
_LAST = sa.text(
    """
    SELECT DISTINCT ON (service) service, at FROM service_calls
    WHERE outcome = 'ok' AND at > now() - interval '30 days' ORDER BY service, at DESC
    """
)


@dataclass(frozen=True, slots=True)
class Figures:
    """How everything stands at one moment; rows as the statements above name them."""

    documents: dict[str, int]
    queue: Row
    failures: Sequence[Row]
    buffers: Row
    stages: Sequence[Row]
    webhooks: Sequence[Row]
    circuits: Sequence[Row]
    waiting: Mapping[str, int]


async def documents_by_state(connection: AsyncConnection) -> dict[str, int]:
    """Documents by the state of their newest version."""
    return {row["state"]: row["number"] for row in await rows(connection, _DOCUMENTS)}


async def queue(connection: AsyncConnection) -> Row:
    """Jobs that are waiting and held; since when the oldest waits, in seconds."""
    return (await rows(connection, _QUEUE))[0]


async def buffers(connection: AsyncConnection) -> Row:
    """Chunks and vectors on their way to publication; vectors that are being bought."""
    return (await rows(connection, _BUFFERS))[0]


async def figures(connection: AsyncConnection) -> Figures:
    """Everything but the calls of services."""
    return Figures(
        documents=await documents_by_state(connection),
        queue=await queue(connection),
        failures=await rows(connection, _FAILURES),
        buffers=await buffers(connection),
        stages=await rows(connection, _STAGES),
        webhooks=await rows(connection, _WEBHOOKS),
        circuits=await rows(connection, _CIRCUITS),
        waiting=await waited_for(connection),
    )


@dataclass(frozen=True, slots=True)
class Circuit:
    """Whether a provider may be asked, since when it fails, and when it last answered well.

    Attributes:
        waiting: documents that go on when it answers again.
    """

    provider: str
    state: str
    last_success: datetime | None
    open_since: datetime | None = None
    waiting: int = 0


async def circuits(connection: AsyncConnection) -> list[Circuit]:
    """The circuit of every provider that was ever to be asked."""
    last = {row["service"]: row["at"] for row in await rows(connection, _LAST)}
    waiting = await waited_for(connection)
    return [
        Circuit(
            name := row["provider"],
            row["circuit"],
            last.get(name),
            row["open_since"],
            waiting.get(name, 0),
        )
        for row in await rows(connection, _CIRCUITS)
    ]


_CALLS = """
    SELECT service, operation, outcome, count(*) AS number, sum(seconds) AS seconds,
           sum(inputs) AS inputs, sum(tokens) AS tokens, sum(cost_usd) AS cost,
           max(id) AS last, {buckets}
    FROM service_calls WHERE id > :mark AND {condition}
    GROUP BY service, operation, outcome
"""
_SETTLED = sa.text(
    _CALLS.format(
        buckets=_buckets("seconds"),
        condition=f"at < now() - interval '{_SETTLED_SECONDS} seconds'",
    )
)
_FRESH = sa.text(_CALLS.format(buckets=_buckets("seconds"), condition="true"))

CallKey = tuple[str, str, str]
"""Service, operation, outcome."""


@dataclass(slots=True)
class CallTotals:
    """The whole ledger of service calls in sums.

    The ledger only grows, so what is older than a minute is added up once and kept; only what came
    since is read again.
    """

    _mark: int = 0
    _settled: dict[CallKey, dict[str, float]] = field(default_factory=dict)

    async def read(self, connection: AsyncConnection) -> dict[CallKey, dict[str, float]]:
        """By service, operation and outcome: number, seconds, inputs, tokens, cost, b0, b1 …"""
        for row in await rows(connection, _SETTLED, {"mark": self._mark}):
            self._mark = max(self._mark, row["last"])
            _add(self._settled, row)
        totals = {key: dict(sums) for key, sums in self._settled.items()}
        for row in await rows(connection, _FRESH, {"mark": self._mark}):
            _add(totals, row)
        return totals


def _add(totals: dict[CallKey, dict[str, float]], row: Row) -> None:
    sums = totals.setdefault((row["service"], row["operation"], row["outcome"]), {})
    for name, value in row.items():
        if name not in ("service", "operation", "outcome", "last"):
            sums[name] = sums.get(name, 0.0) + float(value or 0)
