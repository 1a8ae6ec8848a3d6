"""The values that travel between the stages: parsed documents and chunks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from pipeline.identity import sha256_hex

PAGE_BREAK = "\n\n"
"""What stands between two pages in a document's canonical text."""


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """One page as Markdown (headings with #, tables with |).

    Attributes:
        number: counted from 1.
        text: normalised Markdown; empty when the page holds no words.
        scanned: the page is a picture without a text layer (and no OCR read it).
        error: why this page could not be read, when the others could.
    """

    number: int
    text: str
    scanned: bool = False
    error: str | None = None


@dataclass(frozen=True)
class ParsedDocument:
    """A document as text.

    Attributes:
        pages: in order; a format without pages (DOCX, HTML, Markdown, text) has one.
        paged: whether page numbers mean something to a reader.
        parser: name and version of our parser, part of the job's identity, e.g. ``local-1``.
        engine: the library that did it, e.g. ``liteparse 2.18.0``.
        replaced: NULs and lone surrogates replaced while normalising.
        notes: what a person should know, one sentence each; no document text.
    """

    pages: tuple[ParsedPage, ...]
    paged: bool
    parser: str
    engine: str
    replaced: int = 0
    notes: tuple[str, ...] = ()

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

    def to_json(self) -> bytes:
        """The stored form; `from_json` reads it back equal."""
        return json.dumps(
            {
                "pages": [[p.number, p.text, p.scanned, p.error] for p in self.pages],
                "paged": self.paged,
                "parser": self.parser,
                "engine": self.engine,
                "replaced": self.replaced,
                "notes": list(self.notes),
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()

    @classmethod
    def from_json(cls, raw: bytes) -> ParsedDocument:
        """Read what `to_json` wrote."""
        data = json.loads(raw)
        return cls(
            pages=tuple(ParsedPage(*page) for page in data["pages"]),
            paged=data["paged"],
            parser=data["parser"],
            engine=data["engine"],
            replaced=data["replaced"],
            notes=tuple(data["notes"]),
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document.

    Attributes:
        ordinal: position in the document, from 0.
        occurrence: how many earlier chunks of this document have the same content.
        text: exactly ``document.text[start:end]``.
        start, end: character offsets into the canonical text.
        heading_path: the headings above the passage, outermost first.
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

    @property
    def embedding_text(self) -> str:
        """What is sent to the embedder."""
        return embedding_text(self.heading_path, self.text)

    @property
    def sha256(self) -> str:
        """The content hash: of `embedding_text`, so equal hashes mean equal vectors."""
        return sha256_hex(self.embedding_text)


def embedding_text(heading_path: tuple[str, ...] | list[str], text: str) -> str:
    """A passage with the headings above it, so that its vector knows where it stands."""
    if not heading_path:
        return text
    return " > ".join(heading_path) + "\n\n" + text


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a job: every write names the attempt, so a late writer is refused."""

    job_id: UUID
    attempt: int
