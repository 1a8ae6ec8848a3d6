"""Makes loads as they might have gone."""

from __future__ import annotations

from collections.abc import Mapping

from app.load.local_load import Kind
from app.load.running import Step
from app.load.sampling import OWN, Look, Watch
from app.load.services import Usage
from app.load.timings import Answer, Timings
from pipeline.store.load_figures import Connections, Progress


def look(
    at: float, services: Mapping[str, Usage], *, oldest: float = 0, waiting: int = 0, held: int = 0,
    connections: int = 10, busy: float = 0,
) -> Look:  # fmt: skip
    """How everything stood at one moment."""
    return Look(at, waiting, held, oldest, Connections(connections, 1, 0, 200), services, busy)


def step(
    times: float = 10, *, latency: float = 0.05, late: float = 0.0, errors: int = 0,
    accepted: int = 100, published: int = 100, oldest: float = 1, drained: float | None = 1,
    left: dict[str, int] | None = None, cores: float = 0.5, connections: int = 10,
) -> Step:  # fmt: skip
    """A load of a minute, of a hundred requests of each kind."""
    answers = [
        Answer(kind, latency, late, "503" if number < errors else None)
        for kind in Kind
        for number in range(100)
    ]
    used = {"api": Usage(60 * cores, 100), OWN: Usage(6, 1)}
    watch = Watch(
        [
            look(0, dict.fromkeys(used, Usage(0, 50))),
            look(60, used, oldest=oldest, waiting=1, connections=connections, busy=90),
        ]
    )
    outcome = Progress(accepted, published, accepted - published, 0, 1, 2)
    return Step(times, 50, 60, Timings(answers), watch, 90, drained, outcome, left or {})
