"""Reads an added source on its schedule: what is new or changed, and what is gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.alerting import tell_it_passed, tell_news
from flows.arguments import quoted
from flows.batch_runner import BatchRunner
from flows.ingest import conclude
from flows.origin import is_scheduled
from flows.redacted_errors import redact_errors
from flows.results import UNKEPT
from flows.run_rows import finish_run
from flows.shared_services import opened, run_of_flow, tagged
from flows.source_reading import delete_gone_objects, read_source, said
from flows.time_limits import LAST_LIMIT_SECONDS, TimeLimit, limited_run
from pipeline.errors import NavigatorError
from pipeline.identity import OPERATOR
from pipeline.run_options import RunOptions
from pipeline.source_definition import SourceDefinition
from pipeline.store import runs, sources
from pipeline.store.connection_retries import retry_on_restart
from stages.services import Services
from stages.sources.definitions import definition_of

NOT_NOW = "Not now"


def _run_name() -> str:
    return f"source {flow_run.parameters.get('source', '')}"


@flow(name="sync-source", flow_run_name=_run_name, timeout_seconds=LAST_LIMIT_SECONDS, **UNKEPT)
async def sync_source(
    source: str, options: RunOptions | None = None, run_id: UUID | None = None
) -> State[Any]:
    """Take in what is new or changed in a source that was added with `navigator source add`.

    What has not changed is not read again; documents of what is gone are deleted when the run ends
    well. While another run reads the source, or while it is paused, nothing is done.

    Args:
        source: its name.
        options: what this run does differently from the settings.
        run_id: names the run in the database; the flow run's own id when empty.
    """
    options = options or RunOptions()
    run = run_id or run_of_flow()
    async with redact_errors(), opened(options) as parts, tagged("source"):
        definition = await definition_of(parts, source)
        attended = not await is_scheduled()
        await _begin(parts, run, definition, options, attended=attended)
        async with (
            limited_run(parts, run, TimeLimit.INGEST),
            BatchRunner(parts, run, options) as runner,
        ):
            if not await _claim(parts, definition, run):
                why = "The source is paused, or another run is reading it."
                await finish_run(parts, run, why)
                return Completed(name=NOT_NOW, message=why)
            async with _noted(parts, definition, run) as outcome:
                begin = quoted(runner.begin_full)
                gone, counts = await read_source(quoted(definition), run, begin)
                outcome.counts = counts
                last = partial(
                    delete_gone_objects, quoted(definition), run, quoted(gone), quoted(counts)
                )
                ending = await conclude(runner, attended=attended, at_last=last)
                if ending.is_failed():
                    outcome.trouble = ending.message
                ending.message = f"Source: {said(counts)}. {ending.message}"
                return ending


@dataclass(slots=True)
class _Outcome:
    counts: Counter[str] = field(default_factory=Counter)
    trouble: str | None = None


@asynccontextmanager
async def _noted(
    parts: Services, definition: SourceDefinition, run: UUID
) -> AsyncIterator[_Outcome]:
    """Note with the source what came of the run; tell a person of what kept it from being read."""
    outcome = _Outcome()
    try:
        yield outcome
        await tell_it_passed(parts, "source-not-read", definition.name)
    except Exception as error:
        # ours are sentences; another's words may quote anything
        known = isinstance(error, NavigatorError)
        outcome.trouble = str(error) if known else f"({type(error).__name__})"
        told = f"The source {definition.name} was not read. {outcome.trouble}"
        await tell_news(parts, "source-not-read", definition.name, told, {"run": str(run)})
        raise
    except BaseException:
        outcome.trouble = "It was interrupted; the next run goes on."
        raise
    finally:
        await _conclude(parts, definition, run, outcome)


@retry_on_restart
async def _begin(
    parts: Services, run: UUID, definition: SourceDefinition, options: RunOptions, *, attended: bool
) -> None:
    flow_run_id = UUID(flow_run.id) if flow_run.id else None
    # Objects that rules map to users are of several: then the run is nobody's in particular.
    owner = OPERATOR if definition.rights else definition.user_id or OPERATOR
    async with parts.database.service() as connection:
        await runs.start_run(
            connection, run, owner, "source", flow_run_id=flow_run_id,
            options={"source": definition.name}, max_cost_usd=options.max_cost_usd, asked=attended,
        )  # fmt: skip
        await runs.begin_run(connection, run, flow_run_id)


@retry_on_restart
async def _claim(parts: Services, definition: SourceDefinition, run: UUID) -> bool:
    assert definition.id is not None, "added"
    async with parts.database.service() as connection:
        return await sources.claim(connection, definition.id, run)


@retry_on_restart
async def _conclude(
    parts: Services, definition: SourceDefinition, run: UUID, outcome: _Outcome
) -> None:
    assert definition.id is not None, "added"
    async with parts.database.service() as connection:
        await sources.conclude(connection, definition.id, run, outcome.counts, outcome.trouble)
