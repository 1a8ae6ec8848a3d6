"""How the suite is dealt out to its workers: by file, folders that share something as a whole.

What waits for servers and browsers is begun first, what only computes is kept for the end. One
worker goes the other way, from the end on, so that a core has something to compute while the other
workers wait.
"""

from __future__ import annotations

from collections.abc import Iterable

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

TOGETHER = ("tests/app/cli/", "tests/app/stack/", "tests/app/worker/")
"""Folders whose files share what takes long to make: on two workers it would be made twice."""

_LONGEST = (
    *TOGETHER, "tests/deployments/test_worker.py", "tests/flows/", "tests/frontend/",
)  # fmt: skip
_COMPUTING = ("tests/pipeline/", "tests/clients/", "tests/checks/", "tests/mocks/", "tests/test_")


def unit_of(node_id: str) -> str:
    """What is worked off by one worker: the test's file, or the folder that it is part of."""
    file = node_id.split("::", 1)[0]
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def place_of(node_id: str) -> int:
    """Where a test stands in the suite, by its folder: the first place is the lowest."""
    for place, start in enumerate(_LONGEST):
        if node_id.startswith(start):
            return place
    return len(_LONGEST) + node_id.startswith(_COMPUTING)


def in_order(node_ids: Iterable[str]) -> list[str]:
    """The tests in the order in which they are dealt out; within a folder as they were."""
    return sorted(node_ids, key=place_of)


class FromBothEnds(LoadFileScheduling):  # type: ignore[misc]  # xdist says no types
    """Deals out units of work from the beginning, and to the first worker from the end."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node is self.nodes[0] and len(self.nodes) > 1:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
