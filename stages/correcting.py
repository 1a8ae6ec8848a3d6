"""Applies persons' corrections to what was read, on top of every reading of the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.corrections import Correction, correct
from pipeline.store import review_decisions
from stages.reading import Read
from stages.services import Services


async def with_corrections(services: Services, read: Sequence[Read]) -> list[Read]:
    """The texts with what persons put right in them; a text without corrections is as it was.

    A corrected text is one of its own, under a key of its own: what the parser made stays stored.
    """
    files = sorted({(each.job.user_id, each.job.file_sha256) for each in read})
    async with services.database.service() as connection:
        known = await review_decisions.of_files(connection, "correct", files)
    if not known:
        return list(read)
    return [
        _corrected(each, known.get((each.job.user_id, each.job.file_sha256), ())) for each in read
    ]


def _corrected(read: Read, decisions: Sequence[review_decisions.ReviewDecision]) -> Read:
    if not decisions:
        return read
    made = [(each.id, Correction.of(each.correction or {})) for each in decisions]
    done = correct(read.document, made)
    return replace(read, document=done.document, fresh=True, variant=done.variant)
