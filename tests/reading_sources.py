"""Runs that read a source, without Prefect, and buckets to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx

from clients.source import Item, Source
from pipeline.identity import OPERATOR
from pipeline.source_definition import SourceDefinition
from pipeline.store import run_jobs, runs, sources
from stages.services import Services
from stages.sources import leaving
from stages.sources.leaving import Gone
from stages.sources.opening import opened_source
from stages.sources.survey import survey
from stages.sources.taking import Reading, take_in
from tests.ingesting import work_off
from tests.s3 import SIGNED, Bucket

KEYS = dict.fromkeys(("access_key_id", "secret_access_key"), "test")


def put(bucket: Bucket, key: str, text: str, labels: Mapping[str, str] | None = None) -> None:
    """An object below the bucket's prefix, with metadata."""
    headers = {**SIGNED, **{f"x-amz-meta-{k}": v for k, v in (labels or {}).items()}}
    url = f"{bucket.endpoint}/{bucket.name}/navigator/{quote(key)}"
    httpx.put(url, content=text.encode(), headers=headers).raise_for_status()


def remove(bucket: Bucket, key: str) -> None:
    """Remove an object."""
    url = f"{bucket.endpoint}/{bucket.name}/navigator/{quote(key)}"
    httpx.delete(url, headers=SIGNED).raise_for_status()


def keep_versions(bucket: Bucket) -> None:
    """Have the bucket keep every version of its objects."""
    enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    url = f"{bucket.endpoint}/{bucket.name}?versioning"
    httpx.put(url, content=enabled, headers=SIGNED).raise_for_status()


def policy_text(name: str) -> str:
    """A document of one section."""
    return f"# Policy {name}\n\n## Cover\n\nPolicy {name} pays 100 dollars for a loss of kind 1.\n"


@dataclass
class Watched:
    """A source that counts what is asked of it."""

    source: Source
    reads: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    labeled: list[str] = field(default_factory=list)

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """As it lists."""
        async for page in self.source.listing():
            yield page

    async def read(self, item: Item) -> AsyncIterator[bytes]:
        """As it reads."""
        self.reads.append(item.key)
        async for piece in self.source.read(item):
            yield piece

    async def labels(self, item: Item) -> Mapping[str, str]:
        """As it labels."""
        self.labeled.append(item.key)
        return await self.source.labels(item)

    async def is_gone(self, key: str) -> bool:
        """As it says."""
        self.asked.append(key)
        return await self.source.is_gone(key)

    async def close(self) -> None:
        """Close it."""
        await self.source.close()


@dataclass
class Read:
    """What came of a run: counts, and what was downloaded."""

    run_id: UUID
    counts: Counter[str]
    gone: Gone
    downloaded: list[str]
    labeled: list[str]
    asked: list[str]


async def read(
    services: Services, definition: SourceDefinition, *, work: bool = True, well: bool = True
) -> Read:
    """A whole run that reads a source.

    Args:
        work: take what was registered through every stage.
        well: the run ends well.
    """
    run = uuid4()
    owner = OPERATOR if definition.rights else definition.user_id or OPERATOR
    async with services.database.service() as connection:
        await runs.start_run(connection, run, owner, "source")
    async with opened_source(definition) as opened:
        source = Watched(opened)
        reading = Reading(services, definition, source, run)
        found = await survey(services, definition, source)
        gone = Gone()
        if definition.sync:
            gone = await leaving.find_gone(services, definition, source, found)
        found.counts["revoked"] = await leaving.revoke(reading, found)
        counts = found.counts + await take_in(reading, found, gone, _told)
        if work:
            async with services.database.service() as connection:
                waiting = await run_jobs.waiting_jobs(connection, run)
            if waiting:
                await work_off(services, [each.job_id for each in waiting], run)
        if definition.sync:
            counts["deleted"], counts["kept"] = await leaving.finish(reading, gone, well=well)
    return Read(run, counts, gone, source.reads, source.labeled, source.asked)


async def _told(left: int) -> None:
    """Nobody is told."""


async def add(services: Services, definition: SourceDefinition) -> SourceDefinition:
    """The source as it is once it was added."""
    async with services.database.service() as connection:
        await sources.add(connection, definition)
        return await sources.named(connection, definition.name)
