"""Notes: what a person should know of a document beside its text, above all its gaps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NoteKind(StrEnum):
    """What a note is about. `GAPS` are the kinds that mean that something was not read."""

    PAGE_NOT_READ = "page_not_read"
    PICTURE_NOT_READ = "picture_not_read"
    CHARACTERS_NOT_READ = "characters_not_read"
    PART_NOT_READ = "part_not_read"

    HIDDEN_LEFT_OUT = "hidden_left_out"
    REPEATED_LEFT_OUT = "repeated_left_out"
    COLLAPSED_KEPT = "collapsed_kept"
    READ_BY_OCR = "read_by_ocr"
    READING_REPLACED = "reading_replaced"
    REPAIRED = "repaired"
    CORRECTED = "corrected"
    CORRECTION_LEFT = "correction_left"


GAPS = frozenset(
    {
        NoteKind.PAGE_NOT_READ,
        NoteKind.PICTURE_NOT_READ,
        NoteKind.CHARACTERS_NOT_READ,
        NoteKind.PART_NOT_READ,
    }
)
"""Kinds of notes that mean: a reader of the document sees something that is not in the text."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a person should know of a document beside its text.

    Attributes:
        kind: decides whether it is a gap.
        message: one sentence without any text of the document, so it may stand in logs.
        pages: the pages it is about, in order; empty where it is about the whole document.
    """

    kind: NoteKind
    message: str
    pages: tuple[int, ...] = ()

    @property
    def is_gap(self) -> bool:
        """Whether something that a reader sees was not read."""
        return self.kind in GAPS
