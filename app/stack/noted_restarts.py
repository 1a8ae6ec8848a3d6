"""Notes in the database which services `navigator up` has started again: it has none itself."""

from __future__ import annotations

from app.stack.status_file import ServiceState, running_stack
from pipeline.incident_causes import WORKERS
from pipeline.machine_answers import MachineAnswer
from pipeline.store import machine_answers
from stages.alerts.raising import AlertParts


class NotedRestarts:
    """Looks into the status file of the `navigator up` of this home, again and again."""

    def __init__(self, parts: AlertParts) -> None:
        self._parts = parts
        self._noted: set[str] = set()

    async def look(self) -> None:
        """Note each service's last restart, unless this or an earlier process has."""
        stack = running_stack(self._parts.settings.home)
        services = stack.services.items() if stack else ()
        said = {_words(name, each, stack.pid) for name, each in services if stack and each.restarts}
        for each in sorted(said - self._noted):
            async with self._parts.database.service() as connection:
                await machine_answers.note_once(connection, MachineAnswer.RESTART, WORKERS, each)
        self._noted |= said


def _words(name: str, service: ServiceState, pid: int) -> str:
    why = f": it {service.ended}" if service.ended else ""
    return f"{name} was started again, restart {service.restarts} of `navigator up` {pid}{why}."
