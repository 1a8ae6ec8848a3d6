"""What the reader of one format hands to the parser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.documents import Attachment, ParsedPage
from pipeline.fidelity import Fidelity
from pipeline.notes import Note


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as it was read, its texts not yet normalized.

    Attributes:
        paged: whether page numbers mean something to a reader of the file.
        facts, attachments, fidelity: see `ParsedDocument`.
    """

    pages: tuple[ParsedPage, ...]
    paged: bool = False
    notes: tuple[Note, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    fidelity: Fidelity | None = None


def one_page(text: str, *notes: Note, **rest: object) -> Reading:
    """The reading of a format without pages."""
    return Reading((ParsedPage(1, text),), notes=notes, **rest)  # type: ignore[arg-type]
