"""Deletes documents that no retention rule keeps any longer, a few at a time."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from pipeline.store import holds, retention
from pipeline.store.transitions import Actor
from stages import syncing
from stages.services import Services

ACTOR = "retention"
"""Who deletes, in the audit."""


@dataclass(frozen=True, slots=True)
class RetentionOutcome:
    """What came of a look at all documents.

    Attributes:
        deleted: documents, with those inside them; those that would be, when only looking.
        chunks: published passages that went with them.
        held: documents past their time that a legal hold keeps.
    """

    deleted: int = 0
    chunks: int = 0
    held: int = 0

    @property
    def words(self) -> str:
        """One sentence, empty when nothing was past its time."""
        if not self.deleted and not self.held:
            return ""
        kept = f"; a legal hold keeps {self.held:,} more" if self.held else ""
        noun = "document" if self.deleted == 1 else "documents"
        return f"Past the time they are kept: {self.deleted:,} {noun} deleted{kept}."


async def apply_retention(parts: Services, *, only_look: bool = False) -> RetentionOutcome:
    """Delete every document that is past its time; killed, the next look goes on with it."""
    deleted = chunks = held = 0
    after = UUID(int=0)
    while True:
        async with parts.database.service() as connection:
            due = await retention.due(connection, after=after)
            kept = await holds.held_of(connection, due) if only_look else frozenset()
        if not due:
            return RetentionOutcome(deleted, chunks, held)
        after = due[-1]
        if only_look:
            deleted, held = deleted + len(due) - len(kept), held + len(kept)
            continue
        done = await syncing.delete(parts.database, parts.storage, due, Actor(ACTOR))
        deleted, chunks = deleted + len(done.documents), chunks + done.chunks
        held += len(done.held & set(due))
