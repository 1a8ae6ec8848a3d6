"""Starting the process that runs an ingest, and getting its answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.child_processes import child_environment, module_command
from pipeline.errors import NavigatorError, ServiceUnavailable

if TYPE_CHECKING:
    from app.ingestion_messages import Order, Outcome

GIVE_BACK_SECONDS = 40.0
"""What an ingest that is cancelled gets for giving back its documents and ending Prefect."""


async def run_ingest(order: Order, environment: Mapping[str, str]) -> Outcome:
    """Run an ingest in a process of its own; cancelled, it gives back its documents first.

    Raises:
        NavigatorError: what the ingest itself raised, or its process ended without an answer.
    """
    process = await asyncio.create_subprocess_exec(
        *module_command("app.ingestion_process"), env=child_environment(environment),
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with contextlib.suppress(ConnectionError):  # it has ended: its exit code tells
            process.stdin.write(pickle.dumps(order))
            await process.stdin.drain()
        answer = await process.stdout.read()
        await process.wait()
    finally:
        await _end(process)
    return _outcome(answer, process)


def _outcome(answer: bytes, process: Process) -> Outcome:
    if not answer:
        raise ServiceUnavailable(
            f"The ingest's process ended without an answer (exit code {process.returncode}).",
            remedy="Run it again, it goes on where it stopped; the logs folder may tell more.",
        )
    outcome: Outcome | NavigatorError = pickle.loads(answer)  # noqa: S301 - our own process
    if isinstance(outcome, NavigatorError):
        raise outcome
    return outcome


async def _end(process: Process) -> None:
    """Have the process end: the end of its input tells it to stop."""
    assert process.stdin is not None
    process.stdin.close()
    if process.returncode is not None:
        return
    ending = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait([ending], timeout=GIVE_BACK_SECONDS)
    finally:
        if not ending.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
