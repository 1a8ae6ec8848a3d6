"""Schemas of jobs, documents and events in the API's answers (read models)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from pipeline.editions import Edition
from pipeline.states import PUBLISHED, RETRYABLE, STATE_WORDS, WORKING, JobState, Stop
from pipeline.store.document_queries import DocumentView
from pipeline.store.events import JobEvent
from pipeline.store.helpful_retries import retry_helps
from pipeline.store.job_queries import JobView
from pipeline.store.registration import PipelineVersion

_PEOPLE = ("person", "system")


class Failure(BaseModel):
    """Why a job ended without being published, or waits, and what to do."""

    code: str
    message: str
    remedy: str


class NoteOut(BaseModel):
    """What to know of a document beside its text, above all what it lacks."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    gap: bool = Field(description="Something that a reader of the original sees was not read.")
    message: str
    pages: list[int] = Field(description="Empty where it is about the whole document.")
    remedy: str = Field(description="What to do about a gap; empty for other notes.")


class EventOut(BaseModel):
    """Something that happened to a job."""

    id: int
    at: datetime
    job_id: UUID
    document_id: UUID | None
    event: str
    from_state: str | None
    to_state: str | None
    attempt: int | None
    actor: str = Field(description="`person`, `system` or `worker`.")
    details: dict[str, Any]


class JobOut(BaseModel):
    """One version of a document on its way to publication."""

    id: UUID
    document_id: UUID
    correlation_id: UUID
    source: str
    name: str
    tags: list[str]
    version: int
    state: JobState
    stage: int = Field(ge=0, le=6, description="Stages done of the six to publication.")
    ended: bool = Field(description="Nothing more happens to it by itself.")
    published: bool = Field(description="Readers see this version.")
    working: bool = Field(description="A worker is at it now.")
    stopped: Stop | None = Field(description="Why it waits for a person; a retry takes it up.")
    run_id: UUID | None = Field(description="The run that took it last.")
    retryable: bool
    retry_helps: bool = Field(description="A retry may end otherwise than the time before.")
    sha256: str
    bytes: int
    media_type: str | None
    pages: int | None
    chunks: int | None
    tokens: int | None
    billed_tokens: int
    cost_usd: Decimal
    stage_seconds: dict[str, float]
    failures: int
    notes: list[NoteOut] = Field(description="What was not read of it, and what else to know.")
    facts: dict[str, str] = Field(description="What the file says of itself, by name.")
    language: str = Field(description="ISO 639-1; empty when it cannot be told.")
    error: Failure | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class JobDetail(JobOut):
    """A job with what happened to it, oldest first."""

    history: list[EventOut]


class JobPage(BaseModel):
    """Some of the jobs, newest first."""

    items: list[JobOut]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")


class DocumentOut(BaseModel):
    """A document and where its newest version stands."""

    id: UUID
    source: str
    name: str
    tags: list[str]
    state: JobState | None = Field(description="Of the newest version.")
    notes: list[NoteOut] = Field(description="Of the newest version.")
    language: str = Field(description="Of the newest version; empty when it cannot be told.")
    published: bool = Field(description="Readers see some version of it.")
    latest_job_id: UUID | None
    published_job_id: UUID | None
    versions: int
    created_at: datetime
    updated_at: datetime
    edition: Edition = Field(description="Which edition of a form its newest version prints.")
    version: int | None = Field(description="The number of the newest one.")
    pages: int | None
    chunks: int | None
    cost_usd: Decimal = Field(description="Of the newest version.")
    error: Failure | None = Field(description="Of the newest version.")
    retry_helps: bool = Field(description="A retry may end otherwise than the time before.")
    acknowledged: bool = Field(description="A person knows of the failure.")


class DocumentPage(BaseModel):
    """Some of the documents, newest first."""

    items: list[DocumentOut]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")


class DocumentDetail(DocumentOut):
    """A document with its versions, newest first."""

    jobs: list[JobOut]


def job_out(job: JobView, today: PipelineVersion) -> JobOut:
    """A job as it is shown; `today` is what a retry would be made by."""
    state = JobState(job.state)
    return JobOut(
        id=job.job_id,
        document_id=job.document_id,
        correlation_id=job.correlation_id,
        source=job.source,
        name=job.name,
        tags=job.tags,
        version=job.version,
        state=state,
        stage=_stage(job, state),
        ended=state not in WORKING,
        published=job.published,
        working=job.claimed,
        stopped=Stop(job.stopped) if job.stopped and state in WORKING else None,
        run_id=job.run_id,
        retryable=state in RETRYABLE or job.stopped is not None,
        retry_helps=retry_helps(
            job.state, job.error_code, job.stopped, (job.parser, job.chunker), today
        ),
        sha256=job.file_sha256,
        bytes=job.file_bytes,
        media_type=job.media_type,
        pages=job.pages,
        chunks=job.chunks,
        tokens=job.tokens,
        billed_tokens=job.billed_tokens,
        cost_usd=job.cost_usd,
        stage_seconds=job.stage_seconds,
        failures=job.failures,
        notes=_notes(job.notes),
        facts=job.facts,
        language=job.language,
        error=_failure(job),
        created_at=job.created_at,
        updated_at=job.updated_at,
        finished_at=job.finished_at,
    )


def _notes(records: list[dict[str, Any]]) -> list[NoteOut]:
    """The gaps first."""
    notes = [NoteOut.model_validate(record) for record in records]
    return sorted(notes, key=lambda note: not note.gap)


def _stage(job: JobView, state: JobState) -> int:
    if state in PUBLISHED:
        return len(WORKING)
    return WORKING.index(state) if state in WORKING else len(job.stage_seconds)


def _failure(job: JobView | DocumentView) -> Failure | None:
    if job.error_code is None:
        return None
    return Failure(
        code=job.error_code, message=job.error_message or "", remedy=job.error_remedy or ""
    )


def event_out(event: JobEvent, *, operator: bool = False) -> EventOut:
    """An event as it is shown; only operators see which machine's worker it was."""
    actor = event.actor if operator or event.actor in _PEOPLE else "worker"
    return EventOut(
        id=event.id,
        at=event.at,
        job_id=event.job_id,
        document_id=event.document_id,
        event=event.event,
        from_state=event.from_state,
        to_state=event.to_state,
        attempt=event.attempt,
        actor=actor,
        details=event.details,
    )


def document_out(document: DocumentView, today: PipelineVersion) -> DocumentOut:
    """A document as it is shown; `today` is what a retry would be made by."""
    made_by = document.parser, document.chunker
    return DocumentOut(
        id=document.document_id,
        source=document.source,
        name=document.name,
        tags=document.tags,
        state=JobState(document.state) if document.state else None,
        notes=_notes(document.notes),
        language=document.language,
        published=document.published,
        latest_job_id=document.job_id,
        published_job_id=document.published_job_id,
        versions=document.versions,
        created_at=document.created_at,
        updated_at=document.updated_at,
        edition=document.edition,
        version=document.version,
        pages=document.pages,
        chunks=document.chunks,
        cost_usd=document.cost_usd,
        error=_failure(document),
        retry_helps=retry_helps(
            document.state, document.error_code, document.stopped, made_by, today
        ),
        acknowledged=document.acknowledged,
    )


def states_of(given: list[str] | None) -> list[str] | None:
    """The states that a filter names: exact ones, or words of `STATE_WORDS`.

    Raises:
        ValueError: it names none.
    """
    if not given:
        return None
    return [state.value for each in given for state in STATE_WORDS.get(each) or [JobState(each)]]
