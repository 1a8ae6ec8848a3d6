"""A version of a document as the quality report tells it: hash, state, verdicts, notes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.states import JobState


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule found wrong with a version.

    Attributes:
        sentences: what is wrong, with the chunk and the page it begins on; at most three.
        severity: ``critical`` keeps it from being published, ``warning`` is only told.
    """

    suite: str
    rule: str
    severity: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One version of one document.

    Attributes:
        name: of the file; inside: of the e-mail or archive that it came in.
        source: where it was read, empty for an upload.
        sha256: of the file's bytes.
        judged: the suites of its last judgment with their versions, e.g. ``chunks 1a2b3c4d``.
        gaps: what was not read, a sentence each; remedies: what to do about it, each once.
        notes: what else is to be known of how it was read.
        personal: how often each kind of personal data stands in it; None when not looked for.
        code, message, remedy: why it failed; empty when it did not.
        acknowledged_at: when a person said that they know of the failure.
    """

    job_id: str
    name: str
    version: int
    sha256: str
    state: JobState
    at: datetime
    inside: str = ""
    source: str = ""
    media_type: str = ""
    pages: int | None = None
    chunks: int | None = None
    tokens: int | None = None
    judged: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    gaps: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    personal: dict[str, int] | None = None
    code: str = ""
    message: str = ""
    remedy: str = ""
    attempts: int = 0
    acknowledged_at: datetime | None = None

    @property
    def folder(self) -> str:
        """Where the file was, without its name; the whole source when that ends in another name."""
        head, _, last = self.source.rpartition("/")
        return head if last == self.name else self.source
