"""Names what the program does about an incident by itself, and within which bounds."""

from __future__ import annotations

from enum import StrEnum


class MachineAnswer(StrEnum):
    """An answer of the program's to an incident; each is bounded where it is given.

    RESTART: `navigator up` starts a service that died or hangs, after pauses that grow to 30 s.
    REQUEUE: what a dead process held is free again, by its lease or its name; a flow run is started
    three times at most. FALL_BACK: the local parser takes over, where the settings allow it.
    REINDEX: a vector index that finds too little is built anew, once a week. RAISE_LIMIT: a run's
    cost cap is raised, never above the ceiling that the settings name.
    """

    RESTART = "restart"
    REQUEUE = "requeue"
    FALL_BACK = "fall back"
    REINDEX = "reindex"
    RAISE_LIMIT = "raise a limit"
