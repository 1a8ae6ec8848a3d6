"""Parsed documents and chunks: the values that travel between the stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from uuid import UUID

from pipeline.fidelity import Fidelity
from pipeline.identity import sha256_hex
from pipeline.layout import Region, Table
from pipeline.notes import Note
from pipeline.text import fold

PAGE_BREAK = "\n\n"
"""What stands between two pages in a document's canonical text."""


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """One page as Markdown (headings with #, tables with |).

    Attributes:
        number: counted from 1.
        text: normalized Markdown; empty when the page holds no words.
        scanned: the page is a picture without a text layer (and no OCR read it).
        error: why this page could not be read, when the others could.
        size: width and height in points as the page is shown, None for a format without pages.
        regions: where the parts of the text stand, in the order of the text.
        tables: the structure of the tables in the text, in their order.
        furniture: running headers, footers and page numbers, which are left out of the text
            where they are repeated; each line as it is printed.
    """

    number: int
    text: str
    scanned: bool = False
    error: str | None = None
    size: tuple[float, float] | None = None
    regions: tuple[Region, ...] = ()
    tables: tuple[Table, ...] = ()
    furniture: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside a document (of an e-mail, an archive), to become a document of its own.

    Attributes:
        name: as the container names it; never used as a path.
    """

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a document, once its content was taken out; its position is its number.

    Attributes:
        name: as the container names it; never used as a path.
    """

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class ParsedDocument:
    """A document as text.

    Attributes:
        pages: in order; a format without pages (DOCX, HTML, Markdown, text) has one.
        paged: whether page numbers mean something to a reader.
        parser: name and version of our parser, part of the job's identity, e.g. ``local-1``.
        engine: the library that did it, e.g. ``liteparse 2.18.0``.
        replaced: NULs and lone surrogates replaced while normalizing.
        notes: gaps, left-out text, replaced readings; they go with the document everywhere.
        facts: what the file says of itself (title, number, date, sender …), by name.
        language: ISO 639-1 code of the text's language, empty when it cannot be told.
        attachments: the files inside it; they are taken out before the text is stored.
        members: what was taken out, in order; each is, or becomes, a document of its own.
        fidelity: how far the reading agrees with its page, when the parser measured that.
    """

    pages: tuple[ParsedPage, ...]
    paged: bool
    parser: str
    engine: str
    replaced: int = 0
    notes: tuple[Note, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    attachments: tuple[Attachment, ...] = ()
    members: tuple[Member, ...] = ()
    fidelity: Fidelity | None = None

    @cached_property
    def text(self) -> str:
        """The canonical text: the pages joined by `PAGE_BREAK`. All offsets are into this."""
        return PAGE_BREAK.join(page.text for page in self.pages)

    @cached_property
    def page_starts(self) -> tuple[int, ...]:
        """The offset in `text` at which each page begins, in the order of `pages`."""
        starts, offset = [], 0
        for page in self.pages:
            starts.append(offset)
            offset += len(page.text) + len(PAGE_BREAK)
        return tuple(starts)

    @property
    def gaps(self) -> tuple[Note, ...]:
        """The notes that mean that something was not read."""
        return tuple(note for note in self.notes if note.is_gap)

    def without_contents(self) -> ParsedDocument:
        """Returns the document as it is stored: its files are named, and are elsewhere."""
        members = tuple(
            Member(each.name, sha256_hex(each.content), len(each.content))
            for each in self.attachments
        )
        return replace(self, attachments=(), members=members or self.members)

    def to_json(self) -> bytes:
        """Returns the stored form, which `from_json` reads back equal; with its attachments."""
        from pipeline import document_json

        return document_json.dump(self)

    @classmethod
    def from_json(cls, raw: bytes) -> ParsedDocument:
        """Reads what `to_json` wrote, now or in an earlier version."""
        from pipeline import document_json

        return document_json.load(raw)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document.

    Attributes:
        ordinal: position in the document, from 0.
        occurrence: how many earlier chunks of this document have the same content.
        text: exactly ``document.text[start:end]``.
        start, end: character offsets into the canonical text.
        heading_path: the headings above the passage, outermost first.
        context: what a reader of the passage sees beside it and needs: a table's caption and the
            names of its columns, where the passage itself does not begin with them.
        role: what the passage is in an insurance document, e.g. ``exclusion``.
        page_first, page_last: the pages it stands on, None for a format without pages.
        tokens: of `embedding_text`, in the embedder's tokenizer.
    """

    ordinal: int
    occurrence: int
    text: str
    start: int
    end: int
    heading_path: tuple[str, ...]
    page_first: int | None
    page_last: int | None
    tokens: int
    context: str = ""
    role: str = "other"

    @property
    def embedding_text(self) -> str:
        """What is sent to the embedder."""
        return embedding_text(self.heading_path, self.text, self.context)

    @property
    def sha256(self) -> str:
        """The content hash: of `embedding_text`, so equal hashes mean equal vectors."""
        return sha256_hex(self.embedding_text)


def embedding_text(heading_path: tuple[str, ...] | list[str], text: str, context: str = "") -> str:
    """A passage with the headings above it and its context: its vector knows where it stands.

    It is folded, so that a ligature or a soft hyphen costs no word its meaning.
    """
    above = [" > ".join(heading_path)] if heading_path else []
    if context:
        above.append(context)
    return fold("\n\n".join((*above, text)))


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a job: every write names the attempt, so a late writer is refused."""

    job_id: UUID
    attempt: int
