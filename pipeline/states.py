"""The state machine of a job: one enum of states, one table of legal transitions.

    uploaded → parse_queued → parsed → parse_validated
             → chunks_stored → embeddings_stored → complete, or complete_with_gaps

"In progress" is not a state: it is a lease on the job's row. A failure keeps the state it came from
(`failed_from` in the database), so that a person's retry goes on from the last good state.
The database holds the same names in a CHECK constraint; a test compares the two.
"""

from __future__ import annotations

from enum import StrEnum

from pipeline.errors import UsageError


class JobState(StrEnum):
    """Where a job stands. The values are what the database stores."""

    UPLOADED = "uploaded"
    PARSE_QUEUED = "parse_queued"
    PARSED = "parsed"
    PARSE_VALIDATED = "parse_validated"
    CHUNKS_STORED = "chunks_stored"
    EMBEDDINGS_STORED = "embeddings_stored"
    COMPLETE = "complete"
    COMPLETE_WITH_GAPS = "complete_with_gaps"

    FAILED_PARSE = "failed_parse"
    FAILED_VALIDATION = "failed_validation"
    FAILED_CHUNKING = "failed_chunking"
    FAILED_EMBEDDING = "failed_embedding"
    QUARANTINED = "quarantined"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    DELETED = "deleted"


S = JobState

WORKING = (
    S.UPLOADED, S.PARSE_QUEUED, S.PARSED, S.PARSE_VALIDATED, S.CHUNKS_STORED, S.EMBEDDINGS_STORED,
)  # fmt: skip
"""States from which a worker goes on, in their order."""

FAILED = (
    S.FAILED_PARSE, S.FAILED_VALIDATION, S.FAILED_CHUNKING, S.FAILED_EMBEDDING, S.QUARANTINED,
)  # fmt: skip
"""Ends with a reason that a person can act on, and retry."""

PUBLISHED = (S.COMPLETE, S.COMPLETE_WITH_GAPS)
"""Published: whole, or with notes that say what of the document was not read."""

WITH_GAPS = "complete, with gaps"
"""What people read of `complete_with_gaps`."""

STATE_TITLES: dict[JobState, str] = {
    S.UPLOADED: "waiting (uploaded)",
    S.PARSE_QUEUED: "waiting (parsing)",
    S.PARSED: "waiting (parsed)",
    S.PARSE_VALIDATED: "waiting (text checked)",
    S.CHUNKS_STORED: "waiting (chunked)",
    S.EMBEDDINGS_STORED: "waiting (embedded)",
    S.COMPLETE: "published",
    S.COMPLETE_WITH_GAPS: WITH_GAPS,
    S.FAILED_PARSE: "failed (parsing)",
    S.FAILED_VALIDATION: "failed (text check)",
    S.FAILED_CHUNKING: "failed (chunking)",
    S.FAILED_EMBEDDING: "failed (embedding)",
    S.QUARANTINED: "failed (quarantined)",
    S.CANCELLED: "cancelled",
    S.SUPERSEDED: "superseded",
    S.DELETED: "deleted",
}
"""A state in words for people, the same everywhere: one word, and the stage where that helps.

The dashboard has its copy in `app/api/dashboard/words.js`; a test compares the two.
"""


class Stop(StrEnum):
    """Why an unfinished job waits for a person. The values are what the database stores."""

    COST_CAP = "cost_cap_reached"
    QUOTA = "quota_exhausted"
    PERSON = "stopped_by_person"


STOPS = tuple(Stop)


def state_title(state: str) -> str:
    """A state in words: that of `STATE_TITLES`; what is no state is returned as it is."""
    return STATE_TITLES[S(state)] if state in STATE_TITLES else state


def state_word(state: str, code: str | None = None) -> str:
    """A state in one word: that of `STATE_TITLES`, or ``stopped`` for what waits for a person.

    Args:
        state: a value of `JobState`; any other is returned as it is.
        code: of the job's error.
    """
    if state not in STATE_TITLES:
        return state
    word = STATE_TITLES[S(state)].partition(" (")[0]
    return "stopped" if word == "waiting" and code in STOPS else word


STATE_WORDS: dict[str, tuple[S, ...]] = {
    "published": PUBLISHED,
    "gaps": (S.COMPLETE_WITH_GAPS,),
    "failed": FAILED,
    "waiting": WORKING,
}
"""Words of a filter, each for several states."""


def states_named(name: str) -> list[S]:
    """The states that a person's word stands for, or the one of this exact name.

    Raises:
        UsageError: there is none.
    """
    if name in STATE_WORDS:
        return list(STATE_WORDS[name])
    try:
        return [JobState(name)]
    except ValueError:
        known = ", ".join([*STATE_WORDS, *JobState])
        raise UsageError(f"There is no state {name!r}.", remedy=f"One of: {known}.") from None


RETRYABLE = (*FAILED, S.CANCELLED)
"""Ends from which a person can send the job back; nothing else does so for a cancelled one."""

ENDED = (*PUBLISHED, *FAILED, S.CANCELLED, S.SUPERSEDED, S.DELETED)
"""States in which no worker touches the job."""

_BY_OTHERS = (S.CANCELLED, S.SUPERSEDED, S.DELETED)
"""What may befall a job while it is worked on: its worker is fenced out."""

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    S.UPLOADED: frozenset({S.PARSE_QUEUED, S.FAILED_PARSE, *_BY_OTHERS}),
    S.PARSE_QUEUED: frozenset({S.PARSED, S.FAILED_PARSE, *_BY_OTHERS}),
    S.PARSED: frozenset({S.PARSE_VALIDATED, S.FAILED_VALIDATION, S.QUARANTINED, *_BY_OTHERS}),
    S.PARSE_VALIDATED: frozenset({S.CHUNKS_STORED, S.FAILED_CHUNKING, *_BY_OTHERS}),
    S.CHUNKS_STORED: frozenset(
        {S.EMBEDDINGS_STORED, S.FAILED_EMBEDDING, S.QUARANTINED, *_BY_OTHERS}
    ),
    # Back to chunks_stored: a reused vector can vanish between embedding and publishing, when the
    # document that lent it is deleted; the job then embeds that text again.
    S.EMBEDDINGS_STORED: frozenset({*PUBLISHED, S.CHUNKS_STORED, S.QUARANTINED, *_BY_OTHERS}),
    S.COMPLETE: frozenset({S.SUPERSEDED, S.DELETED}),
    S.COMPLETE_WITH_GAPS: frozenset({S.SUPERSEDED, S.DELETED}),
    # A retry goes back to the last good state before the failing stage.
    S.FAILED_PARSE: frozenset({S.UPLOADED, S.SUPERSEDED, S.DELETED}),
    S.FAILED_VALIDATION: frozenset({S.UPLOADED, S.SUPERSEDED, S.DELETED}),
    S.FAILED_CHUNKING: frozenset({S.UPLOADED, S.SUPERSEDED, S.DELETED}),
    S.FAILED_EMBEDDING: frozenset({S.CHUNKS_STORED, S.SUPERSEDED, S.DELETED}),
    S.QUARANTINED: frozenset({S.UPLOADED, S.SUPERSEDED, S.DELETED}),
    # A person stopped it, and may send it back.
    S.CANCELLED: frozenset({S.UPLOADED, S.SUPERSEDED, S.DELETED}),
    # The bytes of an earlier version came back (A → B → A): the same job is taken up again.
    S.SUPERSEDED: frozenset({S.UPLOADED, S.DELETED}),
    # The same bytes were ingested again after a deletion.
    S.DELETED: frozenset({S.UPLOADED}),
}


def may(source: JobState, target: JobState) -> bool:
    """Whether the state machine has a transition from `source` to `target`."""
    return target in TRANSITIONS[source]


RETRY_STATE: dict[JobState, JobState] = {
    S.FAILED_PARSE: S.UPLOADED,
    S.FAILED_VALIDATION: S.UPLOADED,
    # The text itself may be gone; what is still stored is not parsed again.
    S.FAILED_CHUNKING: S.UPLOADED,
    S.FAILED_EMBEDDING: S.CHUNKS_STORED,
    S.QUARANTINED: S.UPLOADED,
    # What was parsed and embedded of it is found again, and not paid for twice.
    S.CANCELLED: S.UPLOADED,
}
"""Where a person's retry sends a job."""
