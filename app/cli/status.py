"""`navigator status`: shows the state of the corpus, or the history of one document."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.stack.kept_parts import PREFECT, running_parts
from app.terminal.chunk_sizes import DRY_RUN, recommendation, standing_json
from app.terminal.console import (
    answers,
    dollars,
    number,
    print_json,
    quantity,
    right,
    say,
    table,
    tell,
    text,
)
from app.terminal.document_history import history_json, print_history, read_history
from app.terminal.documents import line_json
from app.terminal.options import Json, User
from app.terminal.run_report import RunReport, print_trouble, show_run
from app.terminal.sources import print_sources
from pipeline.identity import user_id
from pipeline.quotas import StorageUse, size_words
from pipeline.settings import Settings, load_settings
from pipeline.states import FAILED, state_word

if TYPE_CHECKING:
    from pipeline.source_definition import SourceDefinition
    from pipeline.store.document_queries import DocumentView
    from pipeline.store.stops import StoppedRun
    from pipeline.store.summary import CorpusSummary, RunRecord
    from stages.chunk_sizes import Standing

_RUNS_SHOWN = 5
_FAILURES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole corpus of a user, the last runs and the documents that failed.

    Attributes:
        maintenance: what the last look at everything found, in one line.
        sources: that are read on a schedule.
        running: what goes on for the next command, of the parts that commands start.
        chunking: how large chunks are, and whether other sizes would find more.
    """

    corpus: CorpusSummary
    storage: StorageUse
    runs: Sequence[RunRecord]
    stopped: Sequence[StoppedRun]
    failed: Sequence[DocumentView]
    maintenance: str
    sources: Sequence[SourceDefinition]
    running: Sequence[str]
    chunking: Standing


async def overview(settings: Settings, user: str | None) -> Overview:
    """Everything in one look."""
    from app.terminal.maintenance import last_look
    from pipeline.retry_policy import LOOKING_SECONDS
    from pipeline.store import quotas, sources, stops, summary
    from pipeline.store.document_queries import DocumentFilter, documents_by_name
    from stages.chunk_sizes import standing
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack, patience_seconds=LOOKING_SECONDS)
        async with database.service() as operating:
            maintenance, _ = await last_look(operating)
            added = await sources.all_sources(operating)
        connection = await stack.enter_async_context(
            database.reader(user_id(user or settings.user))
        )
        only_failed = DocumentFilter(FAILED)
        failed, _ = await documents_by_name(connection, only_failed, limit=_FAILURES_SHOWN)
        return Overview(
            await summary.summarize(connection),
            await quotas.storage_use(
                connection, user_id(user or settings.user), settings.user_quota_bytes
            ),
            await summary.last_runs(connection, _RUNS_SHOWN),
            await stops.stopped_runs(connection),
            failed,
            maintenance,
            added,
            running_parts(settings.home.absolute()),
            await standing(settings, database),
        )


def print_overview(shown: Overview) -> None:
    """The corpus for a person."""
    corpus = shown.corpus
    if not corpus.by_state:
        say("There are no documents yet: take some in with `navigator ingest PATH`.")
        if shown.sources:
            print_sources(shown.sources)
        return
    counts: dict[str, int] = {}
    for state, count in corpus.by_state.items():
        counts[state_word(state)] = counts.get(state_word(state), 0) + count
    by_state = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
    tell(f"{quantity(sum(counts.values()), 'document')}: {by_state}", "bold")
    tell(f"{quantity(corpus.chunks, 'passage')} can be searched")
    for model, vectors in corpus.vectors.items():
        tell(f"{quantity(vectors, 'vector')} of {model}")
    tell(f"{storage_words(shown.storage)} of storage used")
    tell(f"{corpus.tokens:,} tokens embedded for {dollars(corpus.cost_usd)} so far")
    tell(f"Maintenance: {shown.maintenance}")
    if note := recommendation(shown.chunking):
        say(f"{note} See `{DRY_RUN}`; nothing changes by itself.")
    if PREFECT in shown.running:
        say("Prefect's server goes on for the next command; `navigator down` ends it.")
    _print_runs(shown.runs)
    if shown.sources:
        print_sources(shown.sources)
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


def overview_json(shown: Overview) -> dict[str, Any]:
    """The overview for a program."""
    return {
        **asdict(shown.corpus),
        "storage": asdict(shown.storage),
        "runs": [asdict(run) for run in shown.runs],
        "stopped": [asdict(run) for run in shown.stopped],
        "failed": [line_json(each) for each in shown.failed],
        "maintenance": shown.maintenance,
        "sources": [each.as_json() for each in shown.sources],
        "running": list(shown.running),
        "chunking": standing_json(shown.chunking),
    }


def command(
    document: Annotated[
        str | None, typer.Argument(help="A path, a name, or the start of an id; or a run's id.")
    ] = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Show how the corpus stands, or the whole history of one document."""
    if document is None:
        shown = asyncio.run(overview(load_settings(), user))
        if json:
            print_json(overview_json(shown))
        else:
            print_overview(shown)
        return
    told = asyncio.run(read_history(load_settings(), user, document))
    if isinstance(told, RunReport):
        show_run(told, {}, json=json)
    elif json:
        print_json(history_json(told))
    else:
        print_history(told)
