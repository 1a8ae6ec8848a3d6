"""Ingests files into a published and reported corpus; the parent flow of `ingest_documents`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import flow, task
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.alerting import tell_person, tell_quality, tell_setting
from flows.arguments import quoted
from flows.artifact_writes import shown
from flows.batch_runner import BatchRunner
from flows.events import run_finished
from flows.quality_report import write_quality_report
from flows.redacted_errors import redact_errors, redacting_errors
from flows.results import UNCACHED, UNKEPT
from flows.retries import RETRYING
from flows.run_artifacts import publish_artifacts
from flows.run_rows import begin_run, finish_run, progress_of
from flows.shared_services import opened, run_of_flow, services, tagged, untagged_tasks
from flows.source_reading import delete_gone_objects, read_source
from flows.time_limits import LAST_LIMIT_SECONDS, TimeLimit, limited_run
from pipeline.errors import NavigatorError, RunStopped, ServiceUnavailable, TransientError
from pipeline.identity import user_id
from pipeline.run_options import RunOptions
from pipeline.source_address import split_paths
from pipeline.source_definition import SourceDefinition
from pipeline.sources import FoundFiles
from pipeline.states import FAILED, WITH_GAPS, WORKING, JobState
from pipeline.store import embedding_spaces, runs
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.run_requests import RequestedRun
from pipeline.store.runs import Progress
from stages import intake, syncing
from stages.garbage_collection import collect_garbage
from stages.reading import prepare_parser
from stages.services import Services
from stages.source_discovery import find_for_run
from stages.sources.definitions import named_by_url
from stages.sources.leaving import Gone
from stages.word_indexing import index_run


@task(
    task_run_name="register",
    **UNCACHED,
    **RETRYING,
)
@redacting_errors
@retry_on_restart
async def register_sources(
    paths: list[str],
    user: UUID,
    run_id: UUID,
    tags: list[str],
    registered: Callable[[int], Awaitable[None]],
    *,
    sync: bool,
    roots: Sequence[Path] | None,
    follow_links: bool,
    exclude: Sequence[str],
) -> FoundFiles:
    """Store and register what the paths name, and return it. Unchanged files cost nothing.

    Args:
        registered: called after each group of files with how many are still to come.
        roots: folders in which every file has to lie; None: anywhere.

    Raises:
        OutsideRoots: a file does not.
    """
    pictures = services().settings.reads_pictures
    found = await asyncio.to_thread(
        find_for_run, paths, roots, pictures=pictures, follow_links=follow_links, exclude=exclude
    )
    counts: dict[str, int] = {}
    if sync:
        counts["moved"] = await syncing.take_moves(services(), user, found, run_id)
    for start in range(0, len(found.files), intake.FILES_AT_ONCE):
        files = found.files[start : start + intake.FILES_AT_ONCE]
        upload = await intake.upload(services(), files, user, run_id, tags, found.within)
        for each in upload.registered:
            counts[each.outcome.value] = counts.get(each.outcome.value, 0) + 1
        prepare_parser(services(), upload.fresh)
        counts["rejected"] = counts.get("rejected", 0) + len(upload.rejected)
        await registered(max(0, len(found.files) - start - intake.FILES_AT_ONCE))
    if left_out := sum(found.skipped.values()):
        get_run_logger().info("left out %d files of other types", left_out)
    if found.passed_over:
        # Only how many: Prefect keeps its logs, and names are for the run's own report.
        get_run_logger().info("passed over %d links", len(found.passed_over))
        async with services().database.service() as connection:
            await runs.pass_over(connection, run_id, user, found.passed_over)
    said = [f"{number} {outcome}" for outcome, number in counts.items() if number]
    get_run_logger().info("registered: %s", ", ".join(said) or "nothing")
    return found


@task(task_run_name="sync", **UNCACHED, **RETRYING)
@redacting_errors
async def delete_gone(user: UUID, found: FoundFiles, run_id: UUID, *, well: bool) -> None:
    """Delete the documents whose files are gone, or keep them when the run did not end well."""
    deleted = await syncing.finish(services(), user, found, run_id, well=well)
    get_run_logger().info("deleted: %d documents", deleted)


@task(task_run_name="index", **UNCACHED)
async def index_vectors() -> None:
    """Build the space's vector index, beside readers and writers."""
    parts, space = services(), services().embedder.space
    bar = await shown(
        acreate_progress_artifact(0.0, key="index", description="Building the vector index")
    )

    async def show(share: float) -> None:
        if bar is not None:
            await shown(aupdate_progress_artifact(bar, 100.0 * share))

    await embedding_spaces.build_index(parts.database, space.id, space.dimension, show)
    await show(1.0)


def _run_name() -> str:
    return f"ingest {str(flow_run.parameters.get('run_id') or flow_run.id)[:8]}"


@flow(name="ingest", flow_run_name=_run_name, timeout_seconds=LAST_LIMIT_SECONDS, **UNKEPT)
async def ingest(
    paths: list[str],
    user: str | None = None,
    tags: list[str] | None = None,
    options: RunOptions | None = None,
    run_id: UUID | None = None,
) -> State[Any]:
    """Take files, folders or globs to published documents.

    What was published before and has not changed costs nothing; what an earlier run left
    unfinished goes on from where it is.

    Args:
        paths: files, folders or globs on the machine that runs the flow, or URLs of sources
            (s3://…); none for those that the run was written down with. Of a run that a worker
            picked up, inside the folders that NAVIGATOR_INGEST_ROOTS names there, or inside
            sources that an operator added.
        user: whose documents these are; a UUID or any name.
        tags: written on each document, for filtering searches.
        options: what this run does differently from the settings.
        run_id: names the run in the database; the flow run's own id when empty.
    """
    options = options or RunOptions()
    run = run_id or run_of_flow()
    async with redact_errors(), opened(options) as parts:
        owner = user_id(user or parts.settings.user)
        wanted = RequestedRun(owner, tuple(paths), tuple(tags or ()), tuple(options.exclude))
        wanted, roots = await begin_run(parts, run, wanted, options.max_cost_usd)
        # From here on the run is known to our database: Prefect need not keep what it is about.
        kept = options.without_names().model_dump(mode="json")
        told = {"paths": [], "run_id": str(run), "options": kept}
        async with (
            tagged("ingest", told),
            limited_run(parts, run, TimeLimit.INGEST),
            BatchRunner(parts, run, options) as runner,
        ):
            begin = quoted(runner.begin_full)
            follow = options.follow_links
            paths, urls = split_paths(wanted.paths)
            async with untagged_tasks():
                found = await register_sources(
                    paths,
                    wanted.user,
                    run,
                    list(wanted.tags),
                    begin,
                    sync=options.sync,
                    roots=roots,
                    follow_links=follow,
                    exclude=quoted(wanted.exclude),
                )
            read = await _read_sources(parts, urls, wanted, run, begin, sync=options.sync)
            sync = partial(_sync, wanted.user, found, run, read) if options.sync else None
            return await conclude(runner, at_last=sync)


async def _read_sources(
    parts: Services,
    urls: Sequence[str],
    wanted: RequestedRun,
    run: UUID,
    begin: Callable[[int], Awaitable[None]],
    *,
    sync: bool,
) -> list[tuple[SourceDefinition, Gone]]:
    """Take in what is new in sources that are named by their URLs; what is gone of each."""
    named = await named_by_url(parts, urls, wanted.user, wanted.tags, wanted.exclude, sync=sync)
    return [(each, (await read_source(quoted(each), run, begin))[0]) for each in named]


async def _sync(
    user: UUID,
    found: FoundFiles,
    run: UUID,
    read: Sequence[tuple[SourceDefinition, Gone]],
    *,
    well: bool,
) -> None:
    await delete_gone(user, quoted(found), run, well=well)
    for definition, gone in read:
        counts = quoted(Counter[str]())
        await delete_gone_objects(quoted(definition), run, quoted(gone), counts, well=well)


async def conclude(
    runner: BatchRunner,
    *,
    attended: bool = True,
    at_last: Callable[..., Awaitable[None]] | None = None,
) -> State[Any]:
    """Run what still waits, then leave its artifacts.

    Args:
        attended: somebody started it.
        at_last: what is done when all is worked off; it is told (`well`) whether it was.

    Returns:
        Completed when every document ended; its name says when some did not get published.
        Failed when some could not be finished for now; they keep their state and go on later.
    """
    parts, run = runner.parts, runner.run
    troubles = await runner.finish()
    space, enough = parts.embedder.space.id, parts.settings.hnsw_min_vectors
    if await embedding_spaces.needs_index(parts.database, space, enough):
        await index_vectors()
    await index_run(parts.database, run)
    stops = [each for each in troubles if isinstance(each, RunStopped)]
    progress = await progress_of(parts, run)
    waits = progress.count(WORKING)
    if not waits:  # what had to wait for something has ended since
        troubles = [each for each in troubles if not isinstance(each, TransientError)]
    reason = next(iter(stops or troubles), None)
    if at_last is not None:
        await at_last(well=reason is None and not waits)
    await finish_run(parts, run, stops[0].message if stops else None)
    await collect_garbage(parts)
    if runner.has_worked:
        await publish_artifacts(parts, run)
        async with untagged_tasks():
            await write_quality_report(run, None, days=30)
    ending = _ending(run, progress, reason)
    run_finished(run, ending, progress)
    await tell_quality(parts, progress)
    await tell_setting(parts, reason, attended=attended, worked=runner.has_worked)
    await tell_person(parts, run, ending, reason, attended=attended)
    return ending


def _ending(run: UUID, progress: Progress, reason: BaseException | None) -> State[Any]:
    message = tally(progress)
    if isinstance(reason, RunStopped):
        return Completed(name="Stopped", message=f"{message}. {reason.message}", data=run)
    if reason is None and (waiting := progress.count(WORKING)):
        reason = ServiceUnavailable(f"{waiting} documents are waiting.", code="not_finished")
    if reason is not None:
        return Failed(message=f"{message}. {_told(reason)}", data=reason)
    lacking = progress.count([JobState.COMPLETE_WITH_GAPS])
    name = "Some failed" if progress.count(FAILED) else WITH_GAPS.capitalize() if lacking else None
    return Completed(name=name, message=message, data=run)


def _told(error: BaseException) -> str:
    """Our errors are sentences; the words of another may be a document's or hold a password."""
    return str(error) if isinstance(error, NavigatorError) else f"({type(error).__name__})"


def tally(progress: Progress) -> str:
    """What came of a run's documents, in words."""
    counts = {
        "published": progress.count([JobState.COMPLETE]),
        WITH_GAPS: progress.count([JobState.COMPLETE_WITH_GAPS]),
        "failed": progress.count(FAILED),
        "cancelled": progress.count([JobState.CANCELLED]),
        "waiting": progress.count(WORKING),
        "unchanged": progress.unchanged,
    }
    said = [f"{count} {word}" for word, count in counts.items() if count]
    return "Documents: " + (", ".join(said) or "none")
