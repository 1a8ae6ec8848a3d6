"""Plan: what an ingest would do and cost, without doing it. Needs no Prefect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from blocks.assembly import Services
from flows.stages import registering, syncing
from flows.stages.parse_prices import CREDITS_PER_PAGE
from pipeline.chunking import chunk_document
from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.parsing.media import sniff
from pipeline.parsing.validation import require_text
from pipeline.sources import FileContent, FoundFiles, RejectedFile, storable
from pipeline.store import deletion, registration, runs, vector_buffer
from pipeline.store.registration import Outcome, Registered, Source
from pipeline.tokens import tokenizer

# Of a page that only LlamaParse can read, so that nothing is known of it.
_GUESSED_TOKENS_PER_PAGE = 500

_WORK = (Outcome.NEW, Outcome.CHANGED, Outcome.WAITING)
_QUICK = 50


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """What would happen to one file.

    Attributes:
        new_chunks: chunks without a vector yet; only these are sent and paid for.
        tokens: of these.
        estimated: the figures are an estimate, because only a paid parser could tell.
        error: why it would fail.
    """

    source: str
    name: str
    outcome: Outcome
    pages: int = 0
    chunks: int = 0
    new_chunks: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    estimated: bool = False
    error: NavigatorError | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an ingest would do.

    Attributes:
        vanished: documents that --sync would delete.
    """

    documents: tuple[PlannedDocument, ...]
    rejected: tuple[RejectedFile, ...]
    vanished: int = 0

    @property
    def cost_usd(self) -> Decimal:
        """Of the whole, in US dollars at list price."""
        return sum((each.cost_usd for each in self.documents), Decimal(0))

    @property
    def to_do(self) -> list[PlannedDocument]:
        """Documents that would be worked on."""
        return [each for each in self.documents if each.outcome in _WORK]


async def needs_work(services: Services, found: FoundFiles, user: UUID) -> bool:
    """Whether any file is new, changed or unfinished. Ends at the first that is."""
    start, step = 0, _QUICK
    while start < len(found.files):
        files = found.files[start : start + step]
        async for _, known in _looked_up(services, files, user, []):
            if known.outcome in _WORK:
                return True
        start, step = start + step, registering.FILES_AT_ONCE
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
    for start in range(0, len(found.files), registering.FILES_AT_ONCE):
        files = found.files[start : start + registering.FILES_AT_ONCE]
        await registering.upload(services, files, user, run_id, tags)
    if sync:
        await syncing.delete_vanished(services, user, found, run_id)
    async with services.database.service() as connection:
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
    """
    rejected: list[RejectedFile] = []
    documents: list[PlannedDocument] = []
    seen: set[str] = set()
    for start in range(0, len(found.files), registering.FILES_AT_ONCE):
        files = found.files[start : start + registering.FILES_AT_ONCE]
        async for (content, source), known in _looked_up(services, files, user, rejected):
            documents.append(await _planned(services, content, source, known, seen))
            progress(len(documents) + len(rejected), len(found.files))
    return Plan(tuple(documents), tuple(rejected), await _vanished(services, found, user, sync))


async def _looked_up(
    services: Services, files: Sequence[Path], user: UUID, rejected: list[RejectedFile]
) -> AsyncIterator[tuple[tuple[FileContent, Source], Registered]]:
    limit = services.settings.max_file_bytes
    contents, refused = await registering.examine_files(files, limit)
    rejected.extend(refused)
    sources = [registering.as_source(user, content) for content in contents]
    async with services.database.reader(user) as connection:
        known = await registration.look_up(connection, user, sources, services.version)
    for pair in zip(zip(contents, sources, strict=True), known, strict=True):
        yield pair


async def _planned(
    services: Services,
    content: FileContent,
    source: Source,
    known: Registered,
    seen: set[str],
) -> PlannedDocument:
    planned = PlannedDocument(source.source, source.name, known.outcome)
    if known.outcome not in _WORK:
        return planned
    try:
        document = await _read(services, content)
        if services.remote_parser is None:
            require_text(document)
        planned = await _counted(services, planned, document, seen)
    except NavigatorError as error:
        if services.remote_parser is None:
            return replace(planned, error=error)
        planned = replace(planned, estimated=True)
    return _with_parsing_cost(services, planned) if services.remote_parser else planned


async def _read(services: Services, content: FileContent) -> ParsedDocument:
    try:
        data = await asyncio.to_thread(content.path.read_bytes)
    except OSError:
        raise ParseError(ParseCode.MISSING, "It vanished while it was read.") from None
    return await services.parser.parse(data, sniff(data, content.path.name))


async def _counted(
    services: Services, planned: PlannedDocument, document: ParsedDocument, seen: set[str]
) -> PlannedDocument:
    """With the chunks that would be made, and those whose vectors are not known yet."""
    counter = tokenizer(services.embedder.tokenizer_name)
    chunks = await asyncio.to_thread(chunk_document, document, services.chunker, counter)
    fresh = {chunk.sha256: chunk.tokens for chunk in chunks if chunk.sha256 not in seen}
    async with services.database.service() as connection:
        space = services.version.space_id
        have = await vector_buffer.known_hashes(connection, list(fresh), space)
    missing = {sha256: tokens for sha256, tokens in fresh.items() if sha256 not in have}
    seen.update(fresh)
    return replace(
        planned,
        pages=len(document.pages),
        chunks=len(chunks),
        new_chunks=len(missing),
        tokens=sum(missing.values()),
        cost_usd=_price(services, sum(missing.values())),
    )


def _price(services: Services, tokens: int) -> Decimal:
    return services.embedder.price_per_million_tokens * tokens / 1_000_000


def _with_parsing_cost(services: Services, planned: PlannedDocument) -> PlannedDocument:
    """LlamaParse's part: its text is not known before it is paid, so the local one stands in."""
    settings = services.settings
    pages = max(planned.pages, 1)
    credits = pages * CREDITS_PER_PAGE[settings.llama_cloud_tier]
    tokens = planned.tokens or (0 if planned.chunks else pages * _GUESSED_TOKENS_PER_PAGE)
    guessed = -(-tokens // services.chunker.max_tokens)
    return replace(
        planned,
        chunks=planned.chunks or guessed,
        new_chunks=planned.new_chunks or (0 if planned.chunks else guessed),
        tokens=tokens,
        cost_usd=_price(services, tokens) + credits * settings.llama_cloud_usd_per_credit,
        estimated=True,
    )


async def _vanished(services: Services, found: FoundFiles, user: UUID, sync: bool) -> int:
    folders = [storable(root).rstrip("/") + "/" for root in found.roots]
    if not sync or not folders:
        return 0
    sources = [storable(path) for path in found.files]
    async with services.database.reader(user) as connection:
        return len(await deletion.vanished(connection, user, folders, sources))
