"""Watches Prefect's server beside a flow in a person's process.

Prefect's client asks a server that has gone for two minutes at every call, and nobody tells a run
in this process that it was cancelled in Prefect's pages. So we look ourselves.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum
from http import HTTPStatus
from uuid import UUID

import httpx

from app.prefect.access import auth_header, change_headers

LOOK_SECONDS = 2.0

_ANSWER_SECONDS = 10.0
_SILENT_LOOKS = 3
_SLOW_FACTOR = 1.5
"""A server that takes requests and does not answer may only be slow."""


class Interruption(Enum):
    """Why a flow is not left to run on."""

    GONE = "Prefect's server has gone"
    CANCELLED = "a person cancelled the run in Prefect"


class PrefectWatch:
    """Looks at Prefect's server every two seconds.

    Args:
        flow_run: which flow run is at work, once it is known.
        patience_seconds: a server that has not answered for so long is given up.

    Attributes:
        was_away: the server did not answer for a while, so it may not know all of the run.
    """

    def __init__(
        self, flow_run: Callable[[], Awaitable[UUID | None]], patience_seconds: float
    ) -> None:
        self._flow_run = flow_run
        self._patience = patience_seconds
        self.was_away = False
        self.flow_run_id: UUID | None = None

    async def until_interrupted(self) -> Interruption:
        """Return when the server has been away for too long, or has been told to cancel."""
        url = os.environ["PREFECT_API_URL"]
        last_answer, silent = time.monotonic(), 0
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS, headers=auth_header()) as client:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                silent += 1
                patience = self._patience
                try:
                    if await self._is_cancelled(client, url):
                        return Interruption.CANCELLED
                    last_answer, silent = time.monotonic(), 0
                except httpx.ConnectError:  # nobody listens: it has ended
                    self.was_away = True
                except (httpx.HTTPError, ValueError, KeyError):
                    patience *= _SLOW_FACTOR
                    self.was_away = self.was_away or silent >= _SILENT_LOOKS
                away = time.monotonic() - last_answer
                # Not by the clock alone: this process may itself have stood still.
                if away > patience and silent >= _SILENT_LOOKS:
                    return Interruption.GONE

    async def _is_cancelled(self, client: httpx.AsyncClient, url: str) -> bool:
        self.flow_run_id = self.flow_run_id or await self._flow_run()
        if self.flow_run_id is not None:
            answer = await client.get(f"{url}/flow_runs/{self.flow_run_id}")
        if self.flow_run_id is None or answer.status_code != HTTPStatus.OK:
            # It is busy with its database, has forgotten the run, or a proxy answers for it.
            (await client.get(f"{url}/health")).raise_for_status()
            return False
        return answer.json()["state_type"] in ("CANCELLING", "CANCELLED")


async def call_cancelled(flow_run_id: UUID) -> None:
    """Have Prefect call a run and its parts cancelled, whose tasks were: it calls that crashed."""
    url = os.environ["PREFECT_API_URL"]
    with suppress(httpx.HTTPError):
        headers = await asyncio.to_thread(change_headers, url)
        parts = {
            "parent_flow_run_id": {"any_": [str(flow_run_id)]},
            "state": {"type": {"any_": ["CRASHED", "RUNNING", "PENDING"]}},
        }
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS, headers=headers) as client:
            found = await client.post(f"{url}/flow_runs/filter", json={"flow_runs": parts})
            runs = [each["id"] for each in found.json()] if found.is_success else []
            state = {"type": "CANCELLED", "message": "A person cancelled the run."}
            for run in [*runs, str(flow_run_id)]:
                body = {"state": state, "force": True}
                await client.post(f"{url}/flow_runs/{run}/set_state", json=body)
