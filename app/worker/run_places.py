"""Shares a worker's places between batches that were handed over and all other runs.

A worker takes no more batches of large runs than it works on at once, so that the next worker finds
some too. And it keeps places free for them: a run that has handed its batches over waits for them,
and a worker full of such runs would wait for ever. What the API starts for an upload is no such
batch: it is small, and somebody waits for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun
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
    _taken: dict[UUID, bool] = field(default_factory=dict)

    def within(
        self, due: Sequence[WorkerFlowRunResponse], under_way: Collection[UUID]
    ) -> list[WorkerFlowRunResponse]:
        """Those of the runs that are due for which there is a place.

        Args:
            under_way: the runs that this worker has; one stays among the due for a moment.
        """
        self._taken = {run: kind for run, kind in self._taken.items() if run in under_way}
        chosen = []
        for each in due:
            run, kind = each.flow_run, _was_handed_over(each.flow_run)
            if run.id not in under_way and self._has_place(kind):
                self._taken[run.id] = kind
                chosen.append(each)
        return chosen

    def _has_place(self, kind: bool) -> bool:
        most = self.batches if kind else self.others
        return most is None or list(self._taken.values()).count(kind) < most


def _was_handed_over(run: FlowRun) -> bool:
    """Whether `flows.batch_execution` made the run, for a flow that waits for it."""
    return run.parameters.get("code") is not None and not run.parameters.get("inside")
