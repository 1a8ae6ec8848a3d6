"""Shares a worker's places between batches and all other runs.

A worker takes no more batches than it works on at once, so that the next worker finds some too. And
it keeps places free for them: a run that has handed its batches over waits for them, and a worker
full of such runs would wait for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from prefect.exceptions import ObjectNotFound

from app.worker.entrypoints import BATCHES

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.responses import WorkerFlowRunResponse


@dataclass
class RunPlaces:
    """The places of one worker.

    Attributes:
        batches: at once.
        others: runs of any other kind at once; None: as many as the worker takes.
    """

    batches: int
    others: int | None = None
    _of_batches: dict[UUID, bool] = field(default_factory=dict)
    _taken: dict[UUID, bool] = field(default_factory=dict)

    async def within(
        self,
        due: Sequence[WorkerFlowRunResponse],
        under_way: Collection[UUID],
        client: PrefectClient,
    ) -> list[WorkerFlowRunResponse]:
        """Those of the runs that are due for which there is a place.

        Args:
            under_way: the runs that this worker has; one stays among the due for a moment.
        """
        self._taken = {run: kind for run, kind in self._taken.items() if run in under_way}
        chosen = []
        for each in due:
            run = each.flow_run
            kind = await self._is_batch(client, run.deployment_id)
            if run.id not in under_way and self._has_place(kind):
                self._taken[run.id] = kind
                chosen.append(each)
        return chosen

    def _has_place(self, kind: bool) -> bool:
        most = self.batches if kind else self.others
        return most is None or list(self._taken.values()).count(kind) < most

    async def _is_batch(self, client: PrefectClient, deployment: UUID | None) -> bool:
        if deployment is None:
            return False
        if deployment not in self._of_batches:
            try:
                found = await client.read_deployment(deployment)
            except ObjectNotFound:  # deleted meanwhile; Prefect's base cancels the run
                return False
            self._of_batches[deployment] = found.entrypoint == BATCHES
        return self._of_batches[deployment]
