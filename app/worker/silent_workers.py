"""Asks the database which workers are silent, and notes that their runs were requeued."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.errors import NavigatorError
from pipeline.incident_causes import WORKERS
from pipeline.machine_answers import MachineAnswer
from pipeline.store import processes
from stages.alerts.answering import note_answer
from stages.services import Services


class SilentWorkers:
    """Workers of any machine that were announced, never left, and have not been seen for long."""

    def __init__(self, parts: Services) -> None:
        self._database = parts.database

    async def among(self, names: Collection[str]) -> Collection[str]:
        """Those of the named workers; none while the database is away."""
        try:
            async with self._database.service() as connection:
                return await processes.silent(connection, names)
        except NavigatorError:
            return ()

    async def requeued(self, count: int) -> None:
        """Note that so many flow runs of dead workers were requeued."""
        runs = "1 flow run" if count == 1 else f"{count} flow runs"
        said = f"{runs} of a worker that died wait for another worker."
        await note_answer(self._database, MachineAnswer.REQUEUE, WORKERS, said)
