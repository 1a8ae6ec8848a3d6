"""`navigator status` and `navigator list`: what is there and what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from app.terminal.console import answers, dollars, number, quantity, right, say, table, tell, text
from app.terminal.database import reading
from app.terminal.gaps import where_lacking
from app.terminal.run_report import print_trouble
from app.terminal.states import COLOURS, word
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.quotas import StorageUse, size_words
from pipeline.settings import Settings
from pipeline.states import FAILED, STATE_WORDS, JobState

if TYPE_CHECKING:
    from pipeline.store.history import DocumentLine
    from pipeline.store.stops import StoppedRun
    from pipeline.store.summary import CorpusSummary, RunRecord

_RUNS_SHOWN = 5
_FAILURES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole corpus of a user, the last runs and the documents that failed.

    Attributes:
        maintenance: what the last look at everything found, in one line.
    """

    corpus: CorpusSummary
    storage: StorageUse
    runs: Sequence[RunRecord]
    stopped: Sequence[StoppedRun]
    failed: Sequence[DocumentLine]
    maintenance: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Documents, and how many there are in all."""

    documents: Sequence[DocumentLine]
    total: int


async def overview(settings: Settings, user: str | None) -> Overview:
    """Everything in one look."""
    from app.terminal.maintenance import last_look
    from pipeline.store import history, quotas, stops, summary
    from pipeline.store.outlasting import LOOKING_SECONDS
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack, patience_seconds=LOOKING_SECONDS)
        async with database.service() as operating:
            maintenance, _ = await last_look(operating)
        connection = await stack.enter_async_context(
            database.reader(user_id(user or settings.user))
        )
        failed, _ = await history.list_documents(connection, states=FAILED, limit=_FAILURES_SHOWN)
        return Overview(
            await summary.summarise(connection),
            await quotas.storage_use(
                connection, user_id(user or settings.user), settings.user_quota_bytes
            ),
            await summary.last_runs(connection, _RUNS_SHOWN),
            await stops.stopped_runs(connection),
            failed,
            maintenance,
        )


async def listing(
    settings: Settings, user: str | None, state: str | None, tags: Sequence[str], limit: int
) -> Listing:
    """Documents by name.

    Args:
        state: published, gaps, failed, waiting, or a state of the state machine.

    Raises:
        UsageError: there is no such state.
    """
    from pipeline.store import history

    states = states_of(state) if state else None
    async with reading(settings, user) as connection:
        found, total = await history.list_documents(
            connection, states=states, tags=tags, limit=limit
        )
    return Listing(found, total)


def states_of(name: str) -> list[JobState]:
    """The states that a person's word stands for.

    Raises:
        UsageError: it stands for none.
    """
    if name in STATE_WORDS:
        return list(STATE_WORDS[name])
    try:
        return [JobState(name)]
    except ValueError:
        known = ", ".join([*STATE_WORDS, *JobState])
        raise UsageError(f"There is no state {name!r}.", remedy=f"One of: {known}.") from None


def print_overview(shown: Overview) -> None:
    """The corpus for a person."""
    corpus = shown.corpus
    if not corpus.by_state:
        say("There are no documents yet: take some in with `navigator ingest PATH`.")
        return
    counts: dict[str, int] = {}
    for state, count in corpus.by_state.items():
        counts[word(state)] = counts.get(word(state), 0) + count
    by_state = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
    tell(f"{quantity(sum(counts.values()), 'document')}: {by_state}", "bold")
    tell(f"{quantity(corpus.chunks, 'passage')} can be searched")
    for model, vectors in corpus.vectors.items():
        tell(f"{quantity(vectors, 'vector')} of {model}")
    tell(f"{storage_words(shown.storage)} of storage used")
    tell(f"{corpus.tokens:,} tokens embedded for {dollars(corpus.cost_usd)} so far")
    tell(f"Maintenance: {shown.maintenance}")
    _print_runs(shown.runs)
    for run in shown.stopped:
        waits = "waits" if run.documents == 1 else "wait"
        documents = quantity(run.documents, "document")
        say(f"{documents} {waits} for a person. {run.message}", "yellow")
        say(f"Go on with `navigator resume {str(run.run_id)[:8]}`.")
    for each in shown.failed:
        print_trouble(each.name, each.error_message, each.error_remedy)
    if shown.failed:
        say("`navigator retry --failed` tries them again; `navigator status DOCUMENT` tells more.")


def storage_words(storage: StorageUse) -> str:
    """``9.8 MB of 10.0 MB``, or how much it is without a quota."""
    if not storage.allowed:
        return size_words(storage.used)
    return f"{size_words(storage.used)} of {size_words(storage.allowed)}"


def _print_runs(runs: Sequence[RunRecord]) -> None:
    if not runs:
        return
    shown = table(
        ("Last runs", {"no_wrap": True}), "Kind", right("Documents"), right("Published"),
        right("Cost"), right("Seconds"), "Run", "",
    )  # fmt: skip
    for run in runs:
        ended = run.stopped or ("" if run.finished_at else "not finished")
        shown.add_row(
            f"{run.started_at.astimezone():%Y-%m-%d %H:%M}",
            run.kind,
            number(run.documents),
            number(run.published),
            dollars(run.cost_usd),
            f"{run.seconds:.1f}" if run.finished_at else "",
            str(run.run_id)[:8],
            text(ended, "yellow"),
        )
    answers().print(shown)


def print_listing(shown: Listing) -> None:
    """The documents for a person."""
    if not shown.documents:
        say("There are no such documents.")
        return
    tagged = any(each.tags for each in shown.documents)
    lacking = any(where_lacking(each.notes) for each in shown.documents)
    rows = table(
        ("Document", {"overflow": "fold"}), ("State", {"no_wrap": True}), right("Version"),
        right("Pages"), right("Chunks"), ("Id", {"no_wrap": True}), *(["Tags"] if tagged else []),
        *(["Not read"] if lacking else []),
    )  # fmt: skip
    for each in shown.documents:
        rows.add_row(
            text(each.name),
            state_text(each),
            number(each.version),
            number(each.pages),
            number(each.chunks),
            str(each.document_id)[:8],
            *([text(", ".join(each.tags))] if tagged else []),
            *([text(where_lacking(each.notes), "yellow")] if lacking else []),
        )
    answers().print(rows)
    left = shown.total - len(shown.documents)
    if left:
        say(f"… and {left:,} more; --limit shows more of them.")


def state_text(each: DocumentLine) -> Any:
    """The state in a person's word; says when an older version is what readers still see."""
    shown = word(each.state or "", each.error_code)
    note = " (old version readable)" if each.published and shown in ("failed", "waiting") else ""
    return text(shown + note, COLOURS.get(shown, ""))


def overview_json(shown: Overview) -> dict[str, Any]:
    """The overview for a program."""
    return {
        **asdict(shown.corpus),
        "storage": asdict(shown.storage),
        "runs": [asdict(run) for run in shown.runs],
        "stopped": [asdict(run) for run in shown.stopped],
        "failed": [line_json(each) for each in shown.failed],
        "maintenance": shown.maintenance,
    }


def listing_json(shown: Listing) -> dict[str, Any]:
    """The listing for a program."""
    return {"total": shown.total, "documents": [line_json(each) for each in shown.documents]}


def line_json(each: DocumentLine) -> dict[str, Any]:
    """One document for a program."""
    return {**asdict(each), "status": word(each.state or "", each.error_code)}
