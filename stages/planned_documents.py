"""Plans one document and those inside it: what would happen if it were ingested now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from pipeline.chunking import chunk_document
from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError
from pipeline.parsing.assessment.validation import require_text
from pipeline.parsing.kinds import MediaType
from pipeline.store import known_vectors, registration
from pipeline.store.registration import Outcome
from pipeline.store.vector_owners import SHARED_OWNER
from pipeline.tokens import tokenizer
from stages import attaching
from stages.costs import embedding_price, parse_price
from stages.services import Services

Seen = set[tuple[UUID, str]]
"""Whose texts were counted already: the owner of their vectors, and their SHA-256."""

WORK = (Outcome.NEW, Outcome.CHANGED, Outcome.WAITING)
"""Outcomes of documents that would be worked on."""

# Of a page that only a service can read, so that nothing is known of it.
_GUESSED_TOKENS_PER_PAGE = 500


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


async def with_inside(
    services: Services, user: UUID, planned: PlannedDocument, data: bytes, seen: Seen
) -> list[PlannedDocument]:
    """A document with what is inside it, in the order in which they would be told."""
    remote = services.remote_parser is not None
    kind, document = None, None
    try:
        kind = await services.parser.sniff(data, planned.name, remote=remote)
        passwords = services.settings.passwords_for(planned.source)
        document = await services.parser.parse(data, kind, passwords)
        remote = services.reads_remotely(kind)
        if not remote:
            require_text(document)
        planned = await counted(services, user, planned, document, seen)
    except NavigatorError as error:
        if kind is None or not remote:
            return [replace(planned, error=error)]
        planned = replace(planned, estimated=True)
    if remote:
        planned = await _with_parsing_cost(services, planned, data, kind)
    return [planned, *await _inside(services, user, planned.source, document, seen)]


async def _inside(
    services: Services,
    user: UUID,
    parent: str,
    document: ParsedDocument | None,
    seen: Seen,
) -> list[PlannedDocument]:
    if document is None or attaching.depth_of(parent) >= attaching.MAX_DEPTH:
        return []
    found: list[PlannedDocument] = []
    named = document.without_contents().members
    for number, (member, each) in enumerate(zip(named, document.attachments, strict=True), 1):
        source = attaching.as_source(user, parent, number, member)
        async with services.database.reader(user) as connection:
            [known] = await registration.look_up(connection, user, [source], services.version)
        planned = PlannedDocument(source.source, source.name, known.outcome)
        if known.outcome in WORK:
            found += await with_inside(services, user, planned, each.content, seen)
        else:
            found.append(planned)
    return found


async def counted(
    services: Services,
    user: UUID,
    planned: PlannedDocument,
    document: ParsedDocument,
    seen: Seen,
) -> PlannedDocument:
    """With the chunks that would be made, and those whose vectors are not known yet."""
    counter = tokenizer(services.embedder.tokenizer_name)
    chunks = await asyncio.to_thread(chunk_document, document, services.chunker, counter)
    space, shared = services.version.space_id, services.settings.share_vectors
    whose = SHARED_OWNER if shared else user  # nobody's vectors serve anybody else
    fresh = {chunk.sha256: chunk.tokens for chunk in chunks if (whose, chunk.sha256) not in seen}
    async with services.database.service() as connection:
        have = await known_vectors.known_hashes(connection, list(fresh), space, user, shared=shared)
    missing = {sha256: tokens for sha256, tokens in fresh.items() if sha256 not in have}
    seen.update((whose, sha256) for sha256 in fresh)
    return replace(
        planned,
        pages=len(document.pages),
        chunks=len(chunks),
        new_chunks=len(missing),
        tokens=sum(missing.values()),
        cost_usd=_price(services, sum(missing.values())),
    )


def _price(services: Services, tokens: int) -> Decimal:
    return embedding_price(services.embedder, tokens)


async def _with_parsing_cost(
    services: Services, planned: PlannedDocument, data: bytes, kind: MediaType
) -> PlannedDocument:
    """The service's part: its text is not known before it is paid, so the local one stands in."""
    parsing = await parse_price(services, data, kind, planned.source)
    pages = parsing.pages if parsing.uncounted is None else 1
    tokens = planned.tokens or (0 if planned.chunks else pages * _GUESSED_TOKENS_PER_PAGE)
    guessed = -(-tokens // services.chunker.max_tokens)
    return replace(
        planned,
        chunks=planned.chunks or guessed,
        new_chunks=planned.new_chunks or (0 if planned.chunks else guessed),
        tokens=tokens,
        cost_usd=_price(services, tokens) + parsing.usd,
        estimated=True,
    )
