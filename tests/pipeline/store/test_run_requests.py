"""What an ingest was asked for, kept in our database."""

from __future__ import annotations

import os
from uuid import uuid4

from pipeline.identity import user_id
from pipeline.store.engine import Database
from pipeline.store.run_requests import RequestedRun, request_run, requested_run

ODD = os.fsdecode(b"t\xe9")


async def test_a_run_remembers_paths_of_any_bytes(store: Database) -> None:
    """What a person asked for comes back as it was, whatever its bytes, however long the list."""
    paths = tuple(f"/policies/{number}/{'f' * 120}" for number in range(4200))
    wanted = RequestedRun(user_id("anna"), ("/plain é", f"/folder/{ODD}", *paths), ("tag",))
    run = uuid4()
    async with store.service() as connection:
        await request_run(connection, run, wanted, None)
        assert await requested_run(connection, run) == wanted
