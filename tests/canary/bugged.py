"""A process that runs the batch flow as a worker does, with a bug when it is asked for one.

Reads one JSON request a line: {"jobs": […], "run": …, "bug": "words" | "database" | null}; answers
with how the run ended. Its logs are set up as those of `navigator worker`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any
from uuid import UUID


def _with_bug(kind: str, words: str) -> None:
    import sqlalchemy as sa

    from stages import chunking
    from stages.batch import Batch, StageResult
    from stages.services import Services

    async def chunk(services: Services, batch: Batch) -> StageResult:
        if kind == "words":
            raise UnicodeEncodeError("utf-8", words, 0, 1, words)
        async with services.database.service() as connection:
            await connection.execute(sa.text("SELECT CAST(:words AS int)"), {"words": words})
        return StageResult()

    chunking.chunk = chunk


def _run(request: dict[str, Any]) -> str:
    from flows.ingest_documents import ingest_documents
    from stages import chunking

    sound = chunking.chunk
    if request["bug"]:
        _with_bug(request["bug"], os.environ["CANARY_TEXT"])
    try:
        jobs, run = [UUID(job) for job in request["jobs"]], UUID(request["run"])
        # A coroutine, though Prefect's types say no more than that it can be awaited.
        running: Any = ingest_documents(
            jobs, run, "upload 12345678", inside=True, return_state=True
        )
        state: Any = asyncio.run(running)
        return f"{state.name}: {state.message}"
    except Exception as error:
        return f"raised {type(error).__name__}: {error}"
    finally:
        chunking.chunk = sound


def main() -> None:
    """Answer requests until standard input ends."""
    from app.process.log_output import configure_logs
    from pipeline.settings import load_settings

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    configure_logs(load_settings(), "worker")
    for line in sys.stdin:
        answers.write(json.dumps(_run(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
