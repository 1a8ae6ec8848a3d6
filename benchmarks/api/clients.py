"""Clients that upload and then ask how it goes, as a page does; every answer is timed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.load.timings import percentiles
from benchmarks.corpus import document

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 8.0
"""A client that has waited so long for its document uploads the next one."""


@dataclass
class Timings:
    """Seconds of every answer, and what came of the uploads."""

    uploads: list[float] = field(default_factory=list)
    statuses: list[float] = field(default_factory=list)
    published: int = 0
    errors: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Milliseconds at the percentiles, and counts."""
        return {
            "upload": percentiles(self.uploads),
            "status": percentiles(self.statuses),
            "uploads": len(self.uploads),
            "statuses": len(self.statuses),
            "published": self.published,
            "errors": len(self.errors),
            "first_errors": self.errors[:3],
        }


async def drive(
    base_url: str,
    headers: Sequence[dict[str, str]],
    seconds: float,
    job_of: Callable[[dict[str, Any]], str],
    seed: int,
) -> Timings:
    """As many clients as there are headers, for so long.

    Args:
        job_of: the job's id in the answer to an upload.
        seed: of the documents' numbers, so that no two turns upload the same.
    """
    timings, until = Timings(), time.monotonic() + seconds
    async with httpx.AsyncClient(
        base_url=base_url, timeout=60, limits=httpx.Limits(max_connections=len(headers))
    ) as client:
        await asyncio.gather(
            *(
                _client(client, header, seed + number, until, job_of, timings)
                for number, header in enumerate(headers)
            )
        )
    return timings


async def _client(
    client: httpx.AsyncClient,
    header: dict[str, str],
    seed: int,
    until: float,
    job_of: Callable[[dict[str, Any]], str],
    timings: Timings,
) -> None:
    rng = random.Random(seed)
    # Not all in the same moment: a page is opened when somebody opens it.
    await asyncio.sleep(rng.random() * PATIENCE_SECONDS / 2)
    while time.monotonic() < until:
        name, text = f"{rng.random()}.md", document(rng.randrange(10**9))
        started = time.perf_counter()
        answer = await client.post(
            "/documents", headers=header, files={"file": (name, text, "text/markdown")}
        )
        timings.uploads.append(time.perf_counter() - started)
        if not answer.is_success:
            timings.errors.append(f"{answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(POLL_SECONDS)
            continue
        await _watch(
            client,
            header,
            job_of(answer.json()),
            min(until, time.monotonic() + PATIENCE_SECONDS),
            timings,
        )


async def _watch(
    client: httpx.AsyncClient, header: dict[str, str], job: str, until: float, timings: Timings
) -> None:
    while time.monotonic() < until:
        await asyncio.sleep(POLL_SECONDS)
        started = time.perf_counter()
        answer = await client.get(f"/jobs/{job}", headers=header)
        timings.statuses.append(time.perf_counter() - started)
        if not answer.is_success:
            timings.errors.append(f"{answer.status_code} {answer.text[:200]}")
        elif answer.json()["state"] in ("complete", "complete_with_gaps"):
            timings.published += 1
            return
