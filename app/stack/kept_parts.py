"""Ends what commands leave running on a home for the next one: Prefect's server, Postgres, imports.

Each ends by itself once it was idle for a while; `navigator down` does not wait for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.prefect.resident_note import end_resident, is_resident
from app.warm import INGESTING, READING
from app.warm.protocol import loading_mark
from pipeline.store.embedded import other_holders, stop_embedded
from pipeline.store.embedded_tools import postmaster

PREFECT, POSTGRES, WARM = "prefect", "postgres", "warm"
"""The parts, as JSON names them."""


@dataclass(frozen=True, slots=True)
class KeptParts:
    """What was left running.

    Attributes:
        ended: parts that have ended.
        in_use: parts that a command uses; they end with it.
    """

    ended: tuple[str, ...]
    in_use: tuple[str, ...]


def running_parts(home: Path) -> tuple[str, ...]:
    """The parts that go on for the next command, used or not."""
    prefect, postgres = home / "prefect", home / "postgres"
    parts = {
        PREFECT: is_resident(prefect),
        POSTGRES: postmaster(postgres) is not None,
        WARM: any(path.exists() for path in _of_warm_processes(home)),
    }
    return tuple(name for name, runs in parts.items() if runs)


def end_kept_parts(home: Path) -> KeptParts:
    """End what is idle at once, and have the rest end with the commands that use it."""
    outcome = {name: _end(home, name) for name in running_parts(home)}
    return KeptParts(
        tuple(name for name, ended in outcome.items() if ended),
        tuple(name for name, ended in outcome.items() if not ended),
    )


def _end(home: Path, name: str) -> bool:
    if name == PREFECT:
        return end_resident(home / "prefect")
    if name == WARM:
        for path in _of_warm_processes(home):
            path.unlink(missing_ok=True)  # each looks every second, and when it has loaded
        return True
    if other_holders(home / "postgres"):
        return False
    stop_embedded(home / "postgres")
    return True


def _of_warm_processes(home: Path) -> list[Path]:
    sockets = [home / f"{kind}.sock" for kind in (READING, INGESTING)]
    return [*sockets, *map(loading_mark, sockets)]
