"""Plans an ingest (dry run): what it would do and cost, without doing it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

from pipeline.errors import ParseCode, ParseError
from pipeline.sources import FileContent, FoundFiles, RejectedFile, unchanged
from pipeline.store import attachments, registration, runs
from pipeline.store.registration import Registered, Source
from stages import file_inspection, intake, syncing
from stages.planned_documents import WORK, PlannedDocument, Seen, with_inside
from stages.services import Services

_QUICK = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """What an ingest would do.

    Attributes:
        vanished: documents that --sync would delete, when the run ends well.
        moved: documents whose files moved, which --sync takes along.
        in_sources: documents that lie in sources. unchanged: those of them that have not changed,
            which are not listed.
    """

    documents: tuple[PlannedDocument, ...]
    rejected: tuple[RejectedFile, ...]
    vanished: int = 0
    moved: int = 0
    in_sources: int = 0
    unchanged: int = 0

    def __add__(self, other: Plan) -> Plan:
        return Plan(
            (*self.documents, *other.documents),
            (*self.rejected, *other.rejected),
            self.vanished + other.vanished,
            self.moved + other.moved,
            self.in_sources + other.in_sources,
            self.unchanged + other.unchanged,
        )

    @property
    def cost_usd(self) -> Decimal:
        """Of the whole, in US dollars at list price."""
        return sum((each.cost_usd for each in self.documents), Decimal(0))

    @property
    def to_do(self) -> list[PlannedDocument]:
        """Documents that would be worked on."""
        return [each for each in self.documents if each.outcome in WORK]


async def needs_work(services: Services, found: FoundFiles, user: UUID) -> bool:
    """Whether any file is new, changed or unfinished. Ends at the first that is."""
    start, step = 0, _QUICK
    while start < len(found.files):
        files = found.files[start : start + step]
        documents = []
        async for _, known in _looked_up(services, files, user, [], found.within):
            if known.outcome in WORK:
                return True
            documents.append(known.document_id)
        async with services.database.reader(user) as connection:
            if await attachments.any_waits(connection, documents):
                return True
        start, step = start + step, intake.FILES_AT_ONCE
    return False


async def record_unchanged(
    services: Services,
    found: FoundFiles,
    user: UUID,
    run_id: UUID,
    tags: Sequence[str],
    *,
    sync: bool,
) -> None:
    """Write down a run in which there is nothing to work on, as `ingest` would."""
    async with services.database.service() as connection:
        await runs.start_run(connection, run_id, user, "ingest", options={"tags": list(tags)})
    for start in range(0, len(found.files), intake.FILES_AT_ONCE):
        files = found.files[start : start + intake.FILES_AT_ONCE]
        await intake.upload(services, files, user, run_id, tags, found.within)
    if sync:
        await syncing.finish(services, user, found, run_id, well=True)
    async with services.database.service() as connection:
        await runs.pass_over(connection, run_id, user, found.passed_over)
        await runs.finish_run(connection, run_id, None)


async def plan(
    services: Services,
    found: FoundFiles,
    user: UUID,
    *,
    sync: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Plan:
    """What an ingest of these files would do. Reads and parses in memory; stores nothing.

    Args:
        progress: hears how many of how many files are done.

    Raises:
        UsageError: with sync, a folder that held documents holds none.
    """
    synced = await syncing.survey(services, user, found) if sync else syncing.Survey((), ())
    rejected: list[RejectedFile] = []
    documents: list[PlannedDocument] = []
    seen: Seen = set()
    for start in range(0, len(found.files), intake.FILES_AT_ONCE):
        files = found.files[start : start + intake.FILES_AT_ONCE]
        async for (content, source), known in _looked_up(
            services, files, user, rejected, found.within, synced.before
        ):
            read = partial(asyncio.to_thread, _read, content)
            documents += await planned(services, user, source, known, seen, read)
            progress(len(documents) + len(rejected), len(found.files))
    vanished, moved = len(synced.gone), len(synced.moved)
    return Plan(tuple(documents), tuple(rejected), vanished, moved)


async def _looked_up(
    services: Services,
    files: Sequence[Path],
    user: UUID,
    rejected: list[RejectedFile],
    within: Mapping[Path, str],
    before: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[tuple[tuple[FileContent, Source], Registered]]:
    """Files with what registering them would mean.

    Args:
        before: by the source of a file that moved, the one that its document has now.
    """
    limit = services.settings.max_file_bytes
    contents, refused = await file_inspection.inspect_files(files, limit, within)
    rejected.extend(refused)
    sources = [file_inspection.as_source(user, content) for content in contents]
    recorded = [replace(each, source=before.get(each.source, each.source)) for each in sources]
    async with services.database.reader(user) as connection:
        known = await registration.look_up(connection, user, recorded, services.version)
    for pair in zip(zip(contents, sources, strict=True), known, strict=True):
        yield pair


async def planned(
    services: Services,
    user: UUID,
    source: Source,
    known: Registered,
    seen: Seen,
    read: Callable[[], Awaitable[bytes | None]],
) -> list[PlannedDocument]:
    """What would happen to one document, and to those inside it.

    Args:
        seen: texts that were counted already.
        read: its bytes; None when it has changed since.
    """
    would_be = PlannedDocument(source.source, source.name, known.outcome)
    if known.outcome not in WORK:
        return [would_be]
    data = await read()
    if data is None:
        error = ParseError(ParseCode.MISSING, "It changed or vanished while it was read.")
        return [replace(would_be, error=error)]
    return await with_inside(services, user, would_be, data, seen)


def _read(content: FileContent) -> bytes | None:
    with unchanged(content) as path:
        return None if path is None else path.read_bytes()
