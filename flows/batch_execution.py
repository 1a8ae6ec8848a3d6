"""Executes one batch of a run: as a subflow here, or handed over to the work pool."""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.deployments import arun_deployment

from deployments.prefect_clock import server_time
from flows.batches import PlannedBatch
from flows.cancellation import finished_run
from flows.ingest_documents import ingest_documents
from flows.worker_pool import BATCH_DEPLOYMENT
from pipeline.errors import TransientError
from pipeline.run_options import RunOptions
from pipeline.store.connection_retries import retry_on_restart
from stages.installation import origin_of
from stages.services import Services


@retry_on_restart
async def run_batch(parts: Services, run: UUID, batch: PlannedBatch, options: RunOptions) -> None:
    """Run a batch to its end.

    Raises:
        TransientError: it was handed over and did not end well; its documents wait.
    """
    if parts.settings.work_pool is None:
        await ingest_documents(batch.job_ids, run, batch.label, options, parts.installation)
        return
    origin = await origin_of(parts, batch.job_ids)
    async with get_client() as client:
        begun = await arun_deployment(
            BATCH_DEPLOYMENT,
            client,
            flow_run_name=batch.label,
            # By our own clock it might be due tomorrow.
            scheduled_time=await server_time(client),
            timeout=0,
            parameters={
                "job_ids": [str(job) for job in batch.job_ids],
                "run_id": str(run),
                "label": batch.label,
                "installation": str(origin.installation),
                "stored": origin.stored and str(origin.stored),
                "code": origin.code,
                "options": options.model_dump(mode="json"),
            },
        )
    finished = await finished_run(begun.id)
    if finished.state is not None and not finished.state.is_completed():
        why = f": {finished.state.message}" if finished.state.message else "."
        raise TransientError(f"The run of {batch.label} ended as {finished.state.name}{why}")
