"""The error tree: everything that can go wrong, each transient or permanent, with a remedy.

NavigatorError
├── TransientError                 trying again later may succeed; the retry policy asks only this
│   ├── ServiceUnavailable         5xx, time-out, refused connection, open circuit
│   ├── RateLimited                429 with a wait; never uses up an attempt
│   ├── DatabaseUnavailable
│   └── StorageUnavailable
├── PermanentError                 the same input will fail again; ends the document, not the run
│   ├── ParseError                 code: one of `ParseCode`
│   ├── ValidationError            the parsed text is not fit to go on
│   ├── ChunkingError
│   ├── EmbeddingError             the provider refuses this input
│   └── GateRejection              a quality expectation failed
├── RunStopped                     stops the run cleanly; documents keep their state
│   ├── CostCapReached
│   ├── SpendingCapReached         a month's cap, of a user or of everybody
│   ├── QuotaExhausted             the account has no money left
│   └── RunPaused                  a person paused it
├── FencedOut                      another worker owns this job now; drop what we hold
├── IllegalTransition              a bug or a lost race: the state machine has no such step
├── VerificationFailed             an environment is not as its baseline
├── BrokenGate                     the gate itself failed: never a pass
├── Unforeseen                     a bug, by its kind and place: its own words may quote anything
└── UsageError                     a person asked for something that cannot be; exit code 2
    ├── LegalHold                  documents that nobody may delete
    └── ConfigurationError         a setting is missing or wrong

Every error carries a `code` for programs, a `message` of one sentence and a `remedy` that says
what to do. None of them ever carries document text or a secret.
"""

from __future__ import annotations

from enum import StrEnum


class NavigatorError(Exception):
    """Base of all our errors.

    Args:
        message: one sentence saying what happened.
        code: stable snake_case name for programs; defaults to the class's own.
        remedy: one sentence saying what to do, or empty.
    """

    code = "error"
    remedy = ""

    def __init__(self, message: str, *, code: str | None = None, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if remedy is not None:
            self.remedy = remedy

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders (the parser workers): keyword arguments survive pickling.
        return (_rebuild, (type(self), self.message, self.code, self.remedy, self.__dict__))


def _rebuild(
    cls: type[NavigatorError], message: str, code: str, remedy: str, state: dict[str, object]
) -> NavigatorError:
    error = cls.__new__(cls)
    NavigatorError.__init__(error, message, code=code, remedy=remedy)
    error.__dict__.update(state)
    return error


class TransientError(NavigatorError):
    """Trying again later may succeed."""

    code = "transient"
    remedy = "Nothing to do: it is tried again by itself."


class ServiceUnavailable(TransientError):
    """An outside service did not answer, or answered that it cannot."""

    code = "service_unavailable"


class RateLimited(TransientError):
    """The provider asks us to slow down.

    Args:
        retry_after: seconds to wait, or None when the provider did not say.
    """

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DatabaseUnavailable(TransientError):
    """Postgres cannot be reached."""

    code = "database_unavailable"
    remedy = "Check that Postgres runs and that DATABASE_URL names it, then run `navigator doctor`."


class StorageUnavailable(TransientError):
    """The object storage cannot be reached or has no room."""

    code = "storage_unavailable"
    remedy = "Check the storage URL and the free space, then run `navigator doctor`."


class PermanentError(NavigatorError):
    """The same input will fail again."""

    code = "permanent"


class ParseCode(StrEnum):
    """Why a file could not be turned into text."""

    UNSUPPORTED_TYPE = "unsupported_file_type"
    ENCRYPTED = "file_is_encrypted"
    BROKEN = "file_is_broken"
    EMPTY = "file_is_empty"
    NO_TEXT = "no_text_layer"
    TOO_LARGE = "file_too_large"
    TOO_MANY_PAGES = "too_many_pages"
    TIMEOUT = "parse_timeout"
    OUT_OF_MEMORY = "parse_out_of_memory"
    CRASHED = "parser_crashed"
    MISSING = "file_missing"
    NO_PAGE = "no_such_page"


PARSE_REMEDIES: dict[ParseCode, str] = {
    ParseCode.UNSUPPORTED_TYPE: "Save it as PDF, DOCX, XLSX, HTML or text, and send that.",
    ParseCode.ENCRYPTED: (
        "Give its password with --password-file or NAVIGATOR_PASSWORDS and retry it, or send it "
        "without one."
    ),
    ParseCode.BROKEN: "Open and save the file again in the program that made it, then ingest it.",
    ParseCode.EMPTY: "Send the file again; this copy holds no bytes or no words.",
    ParseCode.NO_TEXT: "Install tesseract and set NAVIGATOR_OCR=true, or send a version with text.",
    ParseCode.TOO_LARGE: "Split the file, or raise NAVIGATOR_MAX_FILE_BYTES.",
    ParseCode.TOO_MANY_PAGES: "Split the file, or raise NAVIGATOR_MAX_PAGES.",
    ParseCode.TIMEOUT: "Split the file, or raise NAVIGATOR_PARSE_TIMEOUT_SECONDS.",
    ParseCode.OUT_OF_MEMORY: "Split the file, or raise NAVIGATOR_PARSE_MEMORY_BYTES.",
    ParseCode.CRASHED: "Open and save the file again in the program that made it, then retry it.",
    ParseCode.MISSING: "Put the file back and ingest it again.",
    ParseCode.NO_PAGE: "Ask for a page that the document has.",
}


class ParseError(PermanentError):
    """A file could not be turned into text.

    Args:
        parse_code: why; its standard remedy is used.
        message: one sentence; it names no document text.
    """

    code = "parse_error"

    def __init__(self, parse_code: ParseCode, message: str) -> None:
        super().__init__(message, code=parse_code.value, remedy=PARSE_REMEDIES[parse_code])
        self.parse_code = parse_code


class ValidationError(PermanentError):
    """The parsed text is not fit to go on."""

    code = "invalid_text"


class ChunkingError(PermanentError):
    """The text could not be cut into chunks."""

    code = "chunking_failed"


class EmbeddingError(PermanentError):
    """The provider refuses this input, or its answer cannot be used."""

    code = "embedding_failed"


class GateRejection(PermanentError):
    """A quality expectation failed; the document is quarantined."""

    code = "quarantined"


class RunStopped(NavigatorError):
    """The run stops cleanly; documents keep the state they reached."""

    code = "run_stopped"


class CostCapReached(RunStopped):
    """The next call would pass the cap given with --max-cost."""

    code = "cost_cap_reached"
    remedy = "Run it again with a higher --max-cost; it goes on where it stopped."


class SpendingCapReached(RunStopped):
    """The next call would pass a month's cap, of one user or of everybody; nothing was sent."""

    code = "spending_cap_reached"
    remedy = (
        "Raise the cap or wait for the next month (UTC), then run it again; it goes on where it "
        "stopped."
    )


class QuotaExhausted(RunStopped):
    """The provider says that the account may not spend more."""

    code = "quota_exhausted"
    remedy = "Top up the provider's account, then run it again; it goes on where it stopped."


class RunPaused(RunStopped):
    """A person paused the run."""

    code = "stopped_by_person"
    remedy = "Go on with `navigator backfill resume RUN`."


class FencedOut(NavigatorError):
    """Another worker has taken this job over."""

    code = "fenced_out"


class IllegalTransition(NavigatorError):
    """The state machine has no such step from the state that the job is in."""

    code = "illegal_transition"


class BrokenGate(NavigatorError):
    """The quality gate could not judge: that is an error, never a pass."""

    code = "broken_gate"
    remedy = "Nothing was published. See the message, mend the suite, then run it again."


class Unforeseen(NavigatorError):
    """An error that nobody planned for, without its words: they may quote a document."""

    code = "unforeseen"
    remedy = "Please report it, with kind and place; the documents keep their state."


class VerificationFailed(NavigatorError):
    """An environment is not as its baseline."""

    code = "not_verified"
    remedy = "Look at the verification's report: each finding says what to do."


class UsageError(NavigatorError):
    """A person asked for something that cannot be done as asked."""

    code = "usage"


class LegalHold(UsageError):
    """Documents have to be kept for a legal reason, so they were not deleted."""

    code = "legal_hold"
    remedy = "An operator lifts the hold, if it is over: `navigator hold list` shows which it is."


class ConfigurationError(UsageError):
    """A setting is missing or wrong."""

    code = "configuration"
    remedy = "Run `navigator doctor` to see every setting and how to mend it."
