"""Finds orphaned objects that no row names, and rows whose object is missing."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Sequence
from hashlib import blake2b
from uuid import UUID

import numpy as np

from pipeline.errors import StorageUnavailable
from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.store import pending_objects
from pipeline.store.reconciling import corpus, objects
from pipeline.store.reconciling.objects import Named, Standing
from stages.garbage_collection import remove_orphaned_objects
from stages.reconciling.inspection import Inspection
from stages.reconciling.object_keys import StoredKey, stored_key
from stages.reconciling.original_repair import restore_original


async def unnamed_objects(look: Inspection) -> AsyncIterator[Finding]:
    """Find orphaned objects, and remove those that the database says are gone.

    Whoever stores an object has said so before (`unsettled_objects`), so an object that was listed
    is named by a row, held, or left over; one that was removed meanwhile is looked for again.
    """
    async for keys in look.services.storage.listing():
        known = {key: found for key in keys if (found := stored_key(key)) is not None}
        for key in keys:
            if key not in known:
                # Its name may say something of somebody: only its digest is told.
                digest = blake2b(key.encode(), digest_size=8).hexdigest()
                detail = "its key is not of this program's form; it is never removed here"
                yield look.finding(Kind.OBJECT_UNKNOWN, f"key {digest}", detail=detail)
        async for finding in _of_page(look, known):
            yield finding


async def _of_page(look: Inspection, known: dict[str, StoredKey]) -> AsyncIterator[Finding]:
    if not known:
        return
    async with look.services.database.service() as connection:
        told = await objects.standings(
            connection, [(each.key, each.user, each.stem) for each in known.values()]
        )
    unnamed: dict[str, Kind] = {}
    for each in told:
        kind = _kind(known[each.key], each)
        if kind is not None and await look.services.storage.exists(each.key):
            unnamed[each.key] = kind
    mended = await _give_up(look, [known[key] for key, kind in unnamed.items() if look.mends(kind)])
    for key, kind in unnamed.items():
        found = known[key]
        subject = f"user {found.user} {'text' if found.is_text else 'file'} {found.stem}"
        yield look.finding(kind, subject, mended=key in mended)


def _kind(key: StoredKey, standing: Standing) -> Kind | None:
    if standing.needed:
        return Kind.TEXT_UNNAMED if key.is_text and not standing.named else None
    return Kind.OBJECT_ABANDONED if standing.traced else Kind.OBJECT_UNKNOWN


async def _give_up(look: Inspection, keys: Sequence[StoredKey]) -> set[str]:
    """Have objects removed by the one way that removes any: not if somebody holds them now."""
    contents = {(each.user, each.stem) for each in keys}
    if not contents:
        return set()
    services = look.services
    async with services.database.service() as connection:
        await pending_objects.mark_orphaned(connection, sorted(contents))
    for user in {user for user, _ in contents}:
        await remove_orphaned_objects(services.database, services.storage, user)
    return {each.key for each in keys if not await services.storage.exists(each.key)}


async def missing_objects(look: Inspection) -> AsyncIterator[Finding]:
    """Find rows whose object is missing.

    Eight bytes of each stored key are kept in memory, whatever the number of documents.
    """
    seen = array("Q")
    async for keys in look.services.storage.listing():
        seen.extend(_mark(key) for key in keys)
    stored = np.sort(np.frombuffer(seen, dtype=np.uint64)) if seen else np.empty(0, np.uint64)
    async for page in objects.named_objects(look.services.database):
        if not seen:
            raise StorageUnavailable(
                "The storage is empty, though documents have files: it may not be mounted, or be "
                "another one than theirs."
            )
        originals = await _gone(look, stored, {each.job_id: each.storage_key for each in page})
        texts = {each.job_id: each.text_key for each in page if each.text_key is not None}
        lost_texts = await _gone(look, stored, texts)
        for each in page:
            if each.job_id in originals:
                yield await _original_missing(look, each)
        lost = [each for each in page if each.job_id in lost_texts - originals]
        async for finding in _texts_missing(look, lost):
            yield finding
        for each in page:
            if each.job_id in lost_texts & originals:
                detail = "its original is missing too"
                yield look.finding(
                    Kind.TEXT_MISSING, f"document {each.document_id}", detail=detail, person=True
                )


def _mark(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "little")


async def _gone(look: Inspection, stored: np.ndarray, keys: dict[UUID, str]) -> set[UUID]:
    """The jobs whose object is missing: neither listed nor there now, and the job still names it.

    Rows go before their objects, and come after them: so both are looked at again.
    """
    marks = np.array([_mark(key) for key in keys.values()], dtype=np.uint64)
    unseen = [job for job, listed in zip(keys, np.isin(marks, stored), strict=True) if not listed]
    missing = [job for job in unseen if not await look.services.storage.exists(keys[job])]
    if not missing:
        return set()
    async with look.services.database.service() as connection:
        still = await objects.still_there(connection, missing)
    return {job for job in still if not await look.services.storage.exists(keys[job])}


async def _original_missing(look: Inspection, named: Named) -> Finding:
    mended = look.mends(Kind.ORIGINAL_MISSING) and await restore_original(look, named)
    return look.finding(
        Kind.ORIGINAL_MISSING,
        f"document {named.document_id}",
        mended=mended,
        person=True,
    )


async def _texts_missing(look: Inspection, lost: Sequence[Named]) -> AsyncIterator[Finding]:
    back: set[UUID] = set()
    if lost and look.mends(Kind.TEXT_MISSING):
        ids = [each.document_id for each in lost]
        async with look.services.database.service() as connection:
            back = await corpus.retry_jobs(connection, ids, look.actor, "its text is missing")
            jobs = [each.job_id for each in lost if each.document_id in back]
            await objects.forget_texts(connection, jobs, sorted(back))
    for each in lost:
        subject = f"document {each.document_id}"
        yield look.finding(Kind.TEXT_MISSING, subject, mended=each.document_id in back)
