"""Results of a Navigator's methods: frozen, typed, and stable from release to release.

Fields may be added; none is renamed or removed within a major version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pipeline.citations import Citation, Copy


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something failed.

    Attributes:
        code: stable, in snake_case. message: one sentence. remedy: what to do, or empty.
    """

    code: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a reader of the document sees and that was not read.

    Attributes:
        message: one sentence that names the pages. remedy: what to do.
        pages: numbered from 1; empty where it is about the whole document.
        here: whether it is on the passage's own pages; for a document always true.
    """

    message: str
    remedy: str
    pages: tuple[int, ...] = ()
    here: bool = True


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that could not be taken in, and why."""

    source: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class IngestedDocument:
    """One document of an ingest.

    Attributes:
        status: as the command line says it: "published", "complete, with gaps", "unchanged",
            "failed", "waiting", "stopped" or "cancelled".
        problem: why it failed or waits; None otherwise.
    """

    document_id: UUID
    document: str
    source: str
    status: str
    pages: int | None
    chunks: int | None
    tokens: int | None
    cost_usd: Decimal
    gaps: tuple[Gap, ...]
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What came of an ingest.

    Attributes:
        all_fine: every document is published and every file was taken in.
        rejected: files that are no document yet. passed_over: links that were not followed.
        skipped: how many files of the folders are of a type that is not taken, by suffix.
        kept: with `sync`, documents whose files are gone, kept because not all was published.
        moved, deleted: documents, with `sync`.
        stopped: why the run ended early, in one sentence; None when it did not.
        remarks: sentences for a person about the run as a whole.
    """

    run_id: UUID
    all_fine: bool
    documents: tuple[IngestedDocument, ...]
    rejected: tuple[RejectedFile, ...]
    passed_over: tuple[str, ...]
    skipped: Mapping[str, int]
    kept: tuple[str, ...]
    moved: int
    deleted: int
    cost_usd: Decimal
    seconds: float
    stopped: str | None
    remarks: tuple[str, ...]

    def with_status(self, *statuses: str) -> tuple[IngestedDocument, ...]:
        """The documents that have one of these statuses."""
        return tuple(each for each in self.documents if each.status in statuses)


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """What an ingest would do with one document.

    Attributes:
        outcome: new, changed, waiting, unchanged or failed_before.
        new_chunks: chunks without a vector yet: only these are sent and paid for.
        tokens: of these. estimated: only a paid parser could tell the figures.
        problem: why it would fail; None when it would not.
    """

    document: str
    source: str
    outcome: str
    pages: int
    chunks: int
    new_chunks: int
    tokens: int
    cost_usd: Decimal
    estimated: bool
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class PlanResult:
    """What an ingest would do; nothing is stored or paid for.

    Attributes:
        moved, deleted: documents that `sync` would take along or delete.
    """

    documents: tuple[PlannedDocument, ...]
    rejected: tuple[RejectedFile, ...]
    skipped: Mapping[str, int]
    moved: int
    deleted: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Companion:
    """What must be read with a passage.

    Attributes:
        relation: continuation, reference, exclusion, limit, endorsement, definition or condition.
        reason: why it is there, in words: ``defines 'Accident'``.
        text: of a definition the definition alone, else the chunk without what the passage says.
    """

    relation: str
    reason: str
    text: str
    document: str
    document_id: UUID
    source: str
    page_first: int | None
    page_last: int | None
    role: str
    heading_path: tuple[str, ...]
    context: str
    chunk_id: UUID


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that answers a question.

    Attributes:
        score: cosine similarity (vector), BM25 (text) or both, fused (hybrid).
        document: its name. source: its path or URI.
        page_first, page_last: from 1; None for a format without pages.
        role: what it is in an insurance document: coverage, exclusion, definition …
        context: what a reader needs beside it: a table's caption and columns.
        gaps: what of its document was not read, what is about its own pages first.
        similarity, vector_rank, text_rank: its place in either ranking; None when not in it.
        language: ISO 639-1 of its document, empty when it cannot be told.
        relevance: how probable it is that it answers, from 0 to 1.
        citation: where exactly it stands: version, file, boxes on the page, highlights …
        copies: where else the same stands, at most a hundred. copy_count: in how many places.
        companions: what must be read with it, most important first; with `context`.
        companions_left_out: how many more there are than the room for them holds.
        rerank_score: between 0 and 1, of the model that read it again; None where none did.
    """

    text: str
    document: str
    document_id: UUID
    source: str
    page_first: int | None
    page_last: int | None
    role: str
    heading_path: tuple[str, ...]
    context: str
    gaps: tuple[Gap, ...]
    score: float
    similarity: float | None
    vector_rank: int | None
    text_rank: int | None
    chunk_id: UUID
    language: str = ""
    relevance: float = 0.0
    citation: Citation | None = None
    copies: tuple[Copy, ...] = ()
    copy_count: int = 0
    companions: tuple[Companion, ...] = ()
    companions_left_out: int = 0
    rerank_score: float | None = None


@dataclass(frozen=True, slots=True)
class NearWord:
    """A word of a document that was looked for too, because no document has the one asked."""

    asked: str
    taken: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The passages that answer a question, best first.

    Attributes:
        published: documents that can be found at all.
        only_by_words: of these, documents whose vectors another embedding model made.
        near_words: for words that were mistyped.
        relevance: how probable it is that the passages answer, from 0 to 1.
        fits: whether they do. If not, they are the nearest that there is.
        answered_by: hybrid, vector or text; text where a hybrid search got no vector.
        warning: why it answered otherwise than asked.
    """

    question: str
    passages: tuple[Passage, ...]
    published: int
    only_by_words: int
    near_words: tuple[NearWord, ...] = ()
    relevance: float = 0.0
    fits: bool = False
    answered_by: str = "hybrid"
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document and its newest version.

    Attributes:
        status: as of `IngestedDocument`, never "unchanged".
        published: whether a search finds some version of it.
        form, edition: as printed, or empty. edition_date, effective_date: ISO dates, or None.
    """

    document_id: UUID
    document: str
    source: str
    status: str
    published: bool
    version: int | None
    pages: int | None
    chunks: int | None
    tokens: int | None
    tags: tuple[str, ...]
    language: str
    cost_usd: Decimal
    updated_at: datetime
    gaps: tuple[Gap, ...]
    problem: Problem | None
    form: str = ""
    edition: str = ""
    edition_date: str | None = None
    effective_date: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentList:
    """Documents by name, and how many there are in all."""

    documents: tuple[Document, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run in figures; `documents` counts those that were worked on."""

    run_id: UUID
    kind: str
    started_at: datetime
    finished_at: datetime | None
    seconds: float
    documents: int
    published: int
    cost_usd: Decimal
    stopped: str | None


@dataclass(frozen=True, slots=True)
class StoppedRun:
    """A run of which documents wait for a person: `navigator resume` goes on with it."""

    run_id: UUID
    documents: int
    message: str


@dataclass(frozen=True, slots=True)
class StatusResult:
    """The corpus of a user in figures.

    Attributes:
        documents: how many, by status. published: how many a search finds.
        passages: that can be found. vectors: by embedding model.
        storage_bytes: of the files that are stored, each content once.
        runs: the newest first. failed: documents, some of them when they are many.
    """

    documents: Mapping[str, int]
    published: int
    passages: int
    vectors: Mapping[str, int]
    tokens: int
    cost_usd: Decimal
    storage_bytes: int
    runs: tuple[Run, ...]
    stopped: tuple[StoppedRun, ...]
    failed: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """The documents that were deleted, and how many passages went with them."""

    documents: tuple[UUID, ...]
    passages: int
