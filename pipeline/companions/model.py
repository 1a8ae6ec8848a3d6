"""A passage's companions: what must be read with it, where it stands and why it is there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Relation(StrEnum):
    """How a companion belongs to its passage."""

    CONTINUATION = "continuation"
    REFERENCE = "reference"
    EXCLUSION = "exclusion"
    LIMIT = "limit"
    ENDORSEMENT = "endorsement"
    DEFINITION = "definition"
    CONDITION = "condition"


@dataclass(frozen=True, slots=True)
class ContextChunk:
    """A published chunk, as companions are chosen from it.

    Attributes:
        ordinal: its place in the document. start, end: its offsets in the document's text.
        context: a table's caption and columns, where it begins within a table.
    """

    chunk_id: UUID
    document_id: UUID
    name: str
    source: str
    ordinal: int
    text: str
    start: int
    end: int
    heading_path: tuple[str, ...]
    page_first: int | None
    page_last: int | None
    role: str
    context: str


@dataclass(frozen=True, slots=True)
class Companion:
    """What must be read with a passage.

    Attributes:
        reason: why it is there, for a person, such as ``defines 'Accident'``.
        name, source: of its document, which may be another one than the passage's.
        text: the part of the chunk that matters: a definition alone, else the chunk without what
            the passage already says.
    """

    relation: Relation
    reason: str
    chunk_id: UUID
    document_id: UUID
    name: str
    source: str
    page_first: int | None
    page_last: int | None
    heading_path: tuple[str, ...]
    role: str
    context: str
    text: str

    @property
    def key(self) -> object:
        """What is shown once in an answer: a chunk, or each definition in it."""
        return (self.chunk_id, self.text) if self.relation is Relation.DEFINITION else self.chunk_id
