"""A process that works in children and lets them die, for the tests of crash safety.

Reads one JSON request a line, {"environment": {…}, "paths": […]}: ingest them (with
"sync": as a run with --sync; with "clock": so many seconds ahead of the right time), or without any
delete everything. Answers with the child's exit code, negative for the signal that killed it.
Everything slow is imported once, before the forks.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import checks.gate
from pipeline.identity import user_id
from pipeline.settings import load_settings
from pipeline.store import document_queries
from pipeline.store.transitions import Actor
from stages import syncing
from stages.services import open_services
from tests.clocks import move
from tests.ingesting import ingest
from tests.syncing import synced

USER = user_id("killed")


async def _work(paths: list[str], *, sync: bool) -> None:
    async with open_services(load_settings()) as services:
        if sync:
            await synced(services, USER, *map(Path, paths))
            return
        if paths:
            await ingest(services, [Path(path) for path in paths], USER)
            return
        async with services.database.reader(USER) as connection:
            found, _ = await document_queries.documents_by_name(connection)
        ids = [each.document_id for each in found]
        await syncing.delete(services.database, services.storage, ids, Actor("person"))


def _run(request: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        try:
            os.environ.update(request["environment"])
            move(request.get("clock", 0))
            asyncio.run(_work(request["paths"], sync=request.get("sync", False)))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Answer requests until standard input ends."""
    checks.gate.warm_up()
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
