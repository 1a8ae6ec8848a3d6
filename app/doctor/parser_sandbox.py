"""Diagnoses the parser's sandbox: which of its walls this kernel offers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import AsyncExitStack

from app.doctor.diagnosis import Finding, Verdict
from pipeline.parsing.sandbox.entry import Wall
from pipeline.settings import Settings

_PART = "Parser sandbox"
_SAID = {
    Wall.FILES: "no files but its libraries (Landlock)",
    Wall.CALLS: "no network, no new processes (seccomp)",
    Wall.USER: "a user of its own",
    Wall.NO_NEW_PRIVILEGES: "no new privileges",
    Wall.LIMITS: "limits of memory, time and files",
}
_REMEDY = (
    "Use Linux 5.13 or newer with Landlock and seccomp, also in the container's profile, or take "
    "in only files that you trust."
)


async def check_parser_sandbox(settings: Settings, stack: AsyncExitStack) -> Finding:
    """What holds a hostile file, as a worker that was started for it says."""
    return finding(await asyncio.to_thread(walls_of_a_worker))


def walls_of_a_worker() -> tuple[str, ...]:
    """Starts a parser's worker and returns what its sandbox is built of.

    Raises:
        ServiceUnavailable: no worker could be started.
    """
    from clients.parser_pool.requests import PARSE
    from clients.parser_pool.worker import Worker
    from pipeline.parsing.local import parse_bytes
    from pipeline.parsing.media import MediaType
    from pipeline.parsing.options import ParseOptions

    worker = Worker({PARSE: parse_bytes}, ParseOptions())
    try:
        worker.parse(b"<p>trial</p>", MediaType.HTML, lambda: False)
        return worker.walls
    finally:
        worker.kill()


def finding(walls: Collection[str]) -> Finding:
    """What keeps a hostile file from everything else, and what it could reach all the same."""
    stand = "; ".join(said for wall, said in _SAID.items() if wall in walls)
    reached = list(_reached(walls))
    if not reached:
        return Finding(_PART, Verdict.OK, stand)
    detail = f"{stand}. A hostile file could reach {' and '.join(reached)}."
    return Finding(_PART, Verdict.NOTE, detail, _REMEDY)


def _reached(walls: Collection[str]) -> Iterator[str]:
    if Wall.FILES not in walls:
        whose = "everybody may read" if Wall.USER in walls else "this user may read"
        yield f"files that {whose}"
    if Wall.CALLS not in walls:
        yield "the network and new processes"
