"""Files and asynchronous parse jobs of the LlamaParse stand-in: a job's state follows the clock."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from mocks.extraction import Unreadable, page_texts
from mocks.faults import Fault

PROJECT = "6f3b1c2e-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class LlamaParseSettings:
    """How the stand-in behaves.

    Attributes:
        latency: seconds that every request takes.
        job_seconds: from creating a job to its end.
        api_key: the only key taken; None takes any key.
        inline_bytes: a larger result comes through a presigned URL only.
        max_bytes: of a file; more is a 413.
        max_pages: of a file; more fails the job.
    """

    latency: float = 0.0
    job_seconds: float = 0.05
    api_key: str | None = None
    inline_bytes: int = 5_000_000
    max_bytes: int = 512 * 1024 * 1024
    max_pages: int = 10_000


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file."""

    id: str
    name: str
    content: bytes
    external_id: str | None
    fault: Fault | None

    @property
    def sha256(self) -> str:
        """Of the content."""
        return hashlib.sha256(self.content).hexdigest()

    def json(self) -> dict[str, Any]:
        """As the service tells it."""
        return {
            "id": self.id,
            "name": self.name,
            "project_id": PROJECT,
            "external_file_id": self.external_id,
            "file_type": self.name.rpartition(".")[2],
            "purpose": "parse",
        }


@dataclass
class ParseJob:
    """A job; everything about its end is known from the start, and told when its time has come."""

    id: str
    name: str
    tier: str
    user_metadata: dict[str, str]
    texts: list[str]
    failure: str | None
    fault: Fault | None
    seconds: float
    created: float = field(default_factory=time.time)
    signature: str = field(default_factory=lambda: uuid4().hex)
    cancelled: bool = False

    @property
    def status(self) -> str:
        """PENDING, RUNNING, COMPLETED, FAILED or CANCELLED."""
        kind = self.fault.kind if self.fault else ""
        age = time.time() - self.created
        if self.cancelled:
            return "CANCELLED"
        if age < self.seconds / 2:
            return "PENDING"
        if age < self.seconds or kind == "stuck":
            return "RUNNING"
        if kind == "cancelled":
            return "CANCELLED"
        return "FAILED" if self.failure else "COMPLETED"

    @property
    def ended(self) -> bool:
        """Whether the status will not change any more."""
        return self.status not in ("PENDING", "RUNNING")

    def cancel(self) -> None:
        """Stop a job that has not ended."""
        self.cancelled = self.cancelled or not self.ended

    def created_after(self, moment: str) -> bool:
        """Whether it was made at or after an ISO 8601 moment; an empty one is always before."""
        return not moment or self.created >= datetime.fromisoformat(moment).timestamp()

    def credits(self, price: float) -> float:
        """What its pages cost; a failed file costs nothing."""
        return 0.0 if self.failure else price * len(self.texts)

    def billed(self, price: float) -> float | None:
        """The credits to tell, once completed; None when the service does not tell."""
        silent = self.fault is not None and self.fault.kind == "no_usage"
        return None if silent or self.status != "COMPLETED" else self.credits(price)

    def json(self) -> dict[str, Any]:
        """As the service tells it."""
        created = datetime.fromtimestamp(self.created, UTC).isoformat().replace("+00:00", "Z")
        return {
            "id": self.id,
            "project_id": PROJECT,
            "status": self.status,
            "created_at": created,
            "name": self.name,
            "tier": self.tier,
            "error_message": self.failure if self.status == "FAILED" else None,
            "user_metadata": self.user_metadata,
        }

    def pages(self, kind: str) -> list[dict[str, Any]]:
        """The result's pages, as `markdown` or as `text`."""
        parameters = self.fault.parameters if self.fault else {}
        failed = parameters.get("pages", [1]) if self._is("page_error") else []
        pages: list[dict[str, Any]] = []
        for number, text in enumerate(self.texts, start=1):
            if number in failed and kind == "markdown":
                message = parameters.get("message", "The page could not be rendered")
                pages.append({"page_number": number, "success": False, "error": message})
            elif kind == "markdown":
                pages.append({"page_number": number, "success": True, "markdown": text})
            else:
                pages.append({"page_number": number, "text": text})
        if self._is("wrong_pages"):
            pages.append(dict(pages[0]))
        return pages

    def _is(self, kind: str) -> bool:
        return self.fault is not None and self.fault.kind == kind


@dataclass
class JobStore:
    """What the stand-in keeps."""

    files: dict[str, StoredFile] = field(default_factory=dict)
    jobs: dict[str, ParseJob] = field(default_factory=dict)

    def add_file(
        self, name: str, content: bytes, external_id: str | None, fault: Fault | None
    ) -> StoredFile:
        """Keep an upload; the same external id is the same file."""
        for stored in self.files.values():
            if external_id is not None and stored.external_id == external_id:
                return stored
        stored = StoredFile(f"dfl-{uuid4()}", name, content, external_id, fault)
        self.files[stored.id] = stored
        return stored

    async def add_job(
        self,
        stored: StoredFile,
        asked: dict[str, Any],
        fault: Fault | None,
        settings: LlamaParseSettings,
    ) -> ParseJob:
        """Start a job; the file is read in a thread."""
        texts, failure = await asyncio.to_thread(_read, stored, settings.max_pages)
        if fault is not None and fault.kind == "job_error":
            code = fault.parameters.get("code", "PDF_IS_BROKEN")
            failure = fault.parameters.get("message", f"{code}: the file could not be parsed")
        job = ParseJob(
            id=f"pjb-{uuid4()}",
            name=stored.name,
            tier=str(asked["tier"]),
            user_metadata=dict(asked.get("user_metadata") or {}),
            texts=texts,
            failure=failure,
            fault=fault,
            seconds=settings.job_seconds,
        )
        self.jobs[job.id] = job
        return job

    def find(self, job_id: str) -> ParseJob | None:
        """A job by its id; a lost one is not found."""
        job = self.jobs.get(job_id)
        lost = job is not None and job.fault is not None and job.fault.kind == "lost"
        return None if lost else job


def _read(stored: StoredFile, max_pages: int) -> tuple[list[str], str | None]:
    try:
        texts = page_texts(stored.content)
    except Unreadable as reason:
        return [], str(reason)
    if len(texts) > max_pages:
        return [], f"TOO_MANY_PAGES: the file has {len(texts)} pages"
    return texts, None
