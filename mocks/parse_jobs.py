"""Files and asynchronous parse jobs of the LlamaParse mock: a job's state follows the clock."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from mocks.extraction import Unreadable, page_texts
from mocks.faults import Fault
from mocks.llamaparse_settings import PROJECT, LlamaParseSettings
from mocks.parse_options import ParseOptions

PAGE_BYTES = 64 * 1024
"""The service reads no more text of a page."""


@dataclass(frozen=True)
class StoredFile:
    """An uploaded file."""

    id: str
    name: str
    content: bytes
    external_id: str | None = None
    fault: Fault | None = None

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
    """A job; everything about its end is known from the start, and told when its time has come.

    Attributes:
        texts: of the pages asked for, by page number.
        failure: the service's code, a colon and words.
    """

    id: str
    name: str
    options: ParseOptions
    texts: dict[int, str]
    failure: str | None
    fault: Fault | None
    seconds: float
    cache_hit: bool = False
    created: float = field(default_factory=time.time)
    signature: str = field(default_factory=lambda: uuid4().hex)
    _cancelling: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def cancelled(self) -> bool:
        """Whether the caller cancelled it in time."""
        return self._cancelling.is_set()

    @property
    def status(self) -> str:
        """PENDING, RUNNING, COMPLETED, FAILED or CANCELLED."""
        age = time.time() - self.created
        if self.cancelled:
            return "CANCELLED"
        if age < self.seconds / 2:
            return "PENDING"
        if age < self.seconds or self.has_fault("stuck"):
            return "RUNNING"
        if self.has_fault("cancelled"):
            return "CANCELLED"
        return "FAILED" if self.failure else "COMPLETED"

    @property
    def ended(self) -> bool:
        """Whether the status will not change any more."""
        return self.status not in ("PENDING", "RUNNING")

    def cancel(self) -> None:
        """Stop a job that has not ended."""
        if not self.ended:
            self._cancelling.set()

    def course(self) -> list[tuple[str, float]]:
        """The events to come unless it is cancelled, with their seconds after its creation."""
        events = [("parse.pending", 0.0), ("parse.running", self.seconds / 2)]
        if self.has_fault("stuck") or self.has_fault("lost"):
            return events
        if self.has_fault("cancelled"):
            end = "parse.cancelled"
        elif self.failure:
            end = "parse.error"
        else:
            end = "parse.partial_success" if self.failed_pages() else "parse.success"
        return [*events, (end, self.seconds)]

    async def cancelled_before(self, due: float) -> bool:
        """Wait for a moment of the course; at once True when the job is cancelled before it."""
        while not self.cancelled and (left := self.created + due - time.time()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._cancelling.wait(), left)
        return self.cancelled

    def created_between(self, first: str, last: str) -> bool:
        """Whether it was made between two ISO 8601 moments, each included; blank is no bound."""
        return not (
            (first and self.created < datetime.fromisoformat(first).timestamp())
            or (last and self.created > datetime.fromisoformat(last).timestamp())
        )

    def credits(self, price: float) -> float:
        """What its pages cost; a failed file or a cached result costs nothing."""
        return 0.0 if self.failure or self.cache_hit else price * len(self.texts)

    def billed(self, price: float) -> float | None:
        """The credits to tell, once completed; None when the service does not tell."""
        silent = self.has_fault("no_usage") or self.status != "COMPLETED"
        return None if silent else self.credits(price)

    def json(self) -> dict[str, Any]:
        """As v2 tells it."""
        return {
            "id": self.id,
            "project_id": PROJECT,
            "status": self.status,
            "created_at": _moment(self.created),
            "updated_at": _moment(min(time.time(), self.created + self.seconds)),
            "name": self.name,
            "tier": self.options.tier,
            "error_message": self.failure if self.status == "FAILED" else None,
            "user_metadata": self.options.user_metadata,
        }

    def failed_pages(self) -> dict[int, str]:
        """Why each page that failed did, by page number."""
        if self.fault is None or self.fault.kind != "page_error":
            return {}
        message = self.fault.parameters.get("message", "The page could not be rendered")
        wanted = self.fault.parameters.get("pages", [1])
        return {number: str(message) for number in self.texts if number in wanted}

    def has_fault(self, kind: str) -> bool:
        """Whether this fault was scripted for it."""
        return self.fault is not None and self.fault.kind == kind


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


@dataclass
class JobStore:
    """What the mock server keeps."""

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

    def find(self, job_id: str) -> ParseJob | None:
        """A job by its id; a lost one is not found."""
        job = self.jobs.get(job_id)
        return None if job is None or job.has_fault("lost") else job


async def make_job(
    stored: StoredFile,
    options: ParseOptions,
    settings: LlamaParseSettings,
    *,
    fault: Fault | None = None,
    failure: str | None = None,
    cache_hit: bool = False,
) -> ParseJob:
    """A job from now on; the file is read in a thread.

    Args:
        failure: what is known to be wrong already.
        cache_hit: the result is there at once.
    """
    texts: dict[int, str] = {}
    if failure is None:
        texts, failure = await asyncio.to_thread(_read, stored, options, settings.max_pages)
    if fault is not None and fault.kind == "job_error":
        code = fault.parameters.get("code", "PDF_IS_BROKEN")
        failure = fault.parameters.get("message", f"{code}: the file could not be parsed")
    seconds = 0.0 if cache_hit else settings.job_seconds + settings.page_seconds * len(texts)
    if options.timeout is not None:
        limit = options.timeout[0] + options.timeout[1] * len(texts)
        if seconds > limit:
            seconds, failure = limit, f"TIMEOUT: the job took longer than {limit:g} s"
    return ParseJob(
        id=f"pjb-{uuid4()}",
        name=stored.name,
        options=options,
        texts=texts,
        failure=failure,
        fault=fault,
        seconds=seconds * settings.time_scale,
        cache_hit=cache_hit,
    )


def _read(
    stored: StoredFile, options: ParseOptions, max_pages: int
) -> tuple[dict[int, str], str | None]:
    try:
        texts = page_texts(stored.content)
    except Unreadable as reason:
        return {}, str(reason)
    if len(texts) > max_pages:
        return {}, f"TOO_MANY_PAGES: the file has {len(texts)} pages"
    chosen = {n: _cut(text) for n, text in enumerate(texts, 1) if options.selects(n)}
    return chosen, None if chosen else "NO_DATA_FOUND_IN_FILE: no page of the file was asked for"


def _cut(text: str) -> str:
    return text.encode()[:PAGE_BYTES].decode("utf-8", "ignore")
