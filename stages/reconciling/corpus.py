"""Finds published documents without chunks or vectors, vectors without chunks, old words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.store import chunk_words
from pipeline.store.reconciling import corpus
from pipeline.store.reconciling.corpus import DamagedDocument
from stages.reconciling.inspection import Inspection

# What one maintenance run makes anew takes about a minute; the next run goes on.
_WORDS_AT_ONCE = 100_000

_WHY = {
    Kind.CHUNKS_MISSING: "chunks are missing",
    Kind.VECTORS_MISSING: "vectors are missing",
}


async def damaged_documents(look: Inspection) -> AsyncIterator[Finding]:
    """Find published documents of which chunks or vectors are missing; have them made again."""
    async for page in corpus.damaged_documents(look.services.database):
        for kind in _WHY:
            found = [each for each in page if _kind(each) is kind]
            back: set[UUID] = set()
            if found and look.mends(kind):
                ids = [each.document_id for each in found]
                async with look.services.database.service() as connection:
                    back = await corpus.retry_jobs(connection, ids, look.actor, _WHY[kind])
            for each in found:
                yield _finding(look, kind, each, back)


def _kind(document: DamagedDocument) -> Kind:
    if document.stored != document.promised:
        return Kind.CHUNKS_MISSING
    return Kind.VECTORS_MISSING


def _finding(look: Inspection, kind: Kind, each: DamagedDocument, back: set[UUID]) -> Finding:
    if kind is Kind.CHUNKS_MISSING:
        number, of = abs(each.promised - each.stored), each.promised
    else:
        number, of = each.lacking, each.stored
    return look.finding(
        kind,
        f"document {each.document_id}",
        number=number,
        detail=f"{number} of {of} missing",
        mended=each.document_id in back,
    )


async def orphaned_vectors(look: Inspection) -> AsyncIterator[Finding]:
    """Find vectors that have no chunk, and remove them."""
    async for space, chunks in corpus.orphaned_vectors(look.services.database):
        mended = look.mends(Kind.VECTOR_ORPHANED)
        if mended:
            async with look.services.database.service() as connection:
                await corpus.remove_vectors(connection, space, chunks)
        for chunk in chunks:
            yield look.finding(Kind.VECTOR_ORPHANED, f"chunk {chunk}", mended=mended)


async def old_words(look: Inspection) -> AsyncIterator[Finding]:
    """Find chunks whose words an older program made, and make them anew."""
    database = look.services.database
    if not (found := await chunk_words.count_old_words(database)):
        return
    done = 0
    if look.mends(Kind.WORDS_OLD):
        done = await chunk_words.renew_old_words(database, _WORDS_AT_ONCE)
    for number, mended in ((done, True), (found - done, False)):
        if number > 0:
            yield look.finding(Kind.WORDS_OLD, "chunks", number=number, mended=mended)
