"""Keeps embedding spaces up, and asks the golden questions of the one that answers, every night."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from flows.alerting import tell_news
from flows.redacted_errors import redact_errors, redacting_errors
from flows.results import UNCACHED, UNKEPT
from flows.retries import RETRYING
from flows.shared_services import opened, run_of_flow, services, tagged
from pipeline.errors import NavigatorError
from pipeline.run_options import RunOptions
from pipeline.store import space_backlog
from pipeline.store.space_pointer import StoredSpace
from stages.golden.kept import asked_questions
from stages.golden.nightly import Night, check_golden
from stages.spaces import build_runs, feeding


@task(task_run_name="catch up", **UNCACHED)
@redacting_errors
async def catch_up(space: StoredSpace, cap: Decimal | None) -> int:
    """Embed what a space that is kept beside still lacks; how many documents are left."""
    parts = services()
    await space_backlog.owe_all(parts.database, space.id)
    done = await build_runs.run_fill(parts, space, uuid4(), cap=cap)
    get_run_logger().info(
        "%s: %d texts embedded, %d documents left", space.model, done.texts, done.left
    )
    return done.left


@task(task_run_name="golden questions", **UNCACHED, **RETRYING)
@redacting_errors
async def ask_golden(run_id: UUID) -> Night | None:
    """Ask them, if there are any, and keep what Great Expectations says of the answers."""
    parts = services()
    questions = await asked_questions(parts)
    return await check_golden(parts, questions, run_id) if questions else None


@flow(name="check-spaces", flow_run_name="golden questions", timeout_seconds=6 * 3600, **UNKEPT)
async def check_spaces(max_cost_usd: Decimal | None = None) -> State[Any]:
    """Keep spaces up that are kept beside, and ask the golden questions.

    Args:
        max_cost_usd: for each space that lacks something.
    """
    async with redact_errors(), tagged("space"), opened(RunOptions()) as parts:
        run = run_of_flow()
        for space in await feeding.spaces_beside(parts):
            try:
                await catch_up(space, max_cost_usd)
            except NavigatorError as error:
                get_run_logger().warning("%s lacks documents: %s", space.model, error.message)
        night = await ask_golden(run)
        if night is None:
            return Completed(message="There are no golden questions.")
        if night.fallen:
            told = " ".join(night.fallen)
            await tell_news(parts, "golden-questions-fell", str(run), told, {"run": str(run)})
        said = (
            f"{night.questions} golden questions: nDCG {night.means.ndcg:.3f}, recall "
            f"{night.means.recall:.3f}, {night.lost} find nothing that they expect"
        )
        get_run_logger().info("%s", said)
        return Completed(name="Found less" if night.fallen else None, message=said)
