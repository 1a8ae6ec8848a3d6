"""Checks the health of every part at once, each with a timeout of its own.

Said to anybody who asks, so it holds states and times only: no address, no name, no reason in the
words of whoever failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

from app.api.prefect_clients import client_of
from clients.storage.trial import OtherBytes, try_storage
from deployments.prefect_clock import server_time
from pipeline.logs import logger
from pipeline.store import health, metrics
from pipeline.store.metrics import Circuit
from pipeline.store.migrating import head_revision
from stages.services import Services

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

CHECK_SECONDS = 2.0
"""That a part has to answer."""
KEEP_SECONDS = 2.0
"""Whoever asks within this time gets the same answer, so that asking costs nothing."""
WORKER_SECONDS = 90
"""Since a worker was last seen."""

Status = Literal["ok", "degraded", "failing", "unused"]
REQUIRED = frozenset({"database", "storage"})
"""Without these no request can be answered; without the others work waits."""

_LOG = logger("navigator.health")


class Part(BaseModel):
    """The health of one part."""

    status: Status
    seconds: float = Field(description="That it took to answer.")
    detail: str = Field(description="In words.")
    last_success: datetime | None = Field(
        default=None, description="Of an outside service: when it last answered well."
    )


class Health(BaseModel):
    """All parts."""

    status: Status = Field(
        description="`failing` when the database or the storage does; `degraded` when another does."
    )
    parts: dict[str, Part]


@dataclass(frozen=True, slots=True)
class _Found:
    status: Status
    detail: str
    last_success: datetime | None = None


class HealthChecks:
    """Checks the health of the parts.

    Args:
        prefect_url: Prefect's API, or None when there is none.
        refusal: why Prefect took no run when it was asked last; empty when it took one.
    """

    def __init__(
        self,
        services: Services,
        prefect_url: str | None,
        refusal: Callable[[], str] = lambda: "",
    ) -> None:
        self._services, self._refusal = services, refusal
        self._prefect_url = prefect_url
        self._lock = asyncio.Lock()
        self._kept: Health | None = None
        self._asked_at = float("-inf")

    async def read(self) -> Health:
        """How every part is; in little more than `CHECK_SECONDS`, whatever hangs."""
        async with self._lock:
            if self._kept is None or time.monotonic() - self._asked_at > KEEP_SECONDS:
                self._kept = await self._ask()
                self._asked_at = time.monotonic()
            return self._kept

    async def _ask(self) -> Health:
        checks: dict[str, Callable[[], Awaitable[_Found]]] = {
            "database": self._database,
            "storage": self._storage,
            "prefect": self._prefect,
            "worker": self._worker,
        }
        timed = asyncio.gather(*(_timed(name, check) for name, check in checks.items()))
        outside, answers = await asyncio.gather(self._outside(), timed)
        parts = dict(zip(checks, answers, strict=True)) | outside
        return Health(status=_overall(parts), parts=parts)

    async def _database(self) -> _Found:
        async with self._services.database.service() as connection:
            revision = (await health.describe(connection)).revision
        if revision is None or revision < _head():  # a newer one was deployed, and serves us too
            return _Found("failing", f"Its schema is {revision}, not {_head()}.")
        return _Found("ok", f"Schema {revision}.")

    async def _storage(self) -> _Found:
        try:
            await try_storage(self._services.storage, "health/")
        except OtherBytes:
            return _Found("failing", "Read otherwise.")
        return _Found("ok", "Written and read.")

    async def _prefect(self) -> _Found:
        if self._prefect_url is None:
            return _Found("unused", "PREFECT_API_URL is not set: uploads wait for the sweep.")
        async with await client_of(self._prefect_url) as client:
            if await client.api_healthcheck() is not None:
                return _Found("degraded", "It does not answer: uploads wait for the sweep.")
            if not await _is_let_in(client):
                return _Found("degraded", "It refuses our password: uploads wait for the sweep.")
        if why := self._refusal():
            return _Found("degraded", f"It answers, but takes no run ({why}): uploads wait.")
        return _Found("ok", "It answers.")

    async def _worker(self) -> _Found:
        if self._prefect_url is None:
            return _Found("unused", "There is no Prefect server to look for one.")
        pool = self._services.settings.work_pool or "navigator"
        async with await client_of(self._prefect_url) as client:
            workers = await client.read_workers_for_work_pool(pool)
            # The server dates heartbeats, so it is asked what time it is.
            since = await server_time(client) - timedelta(seconds=WORKER_SECONDS)
        seen = [w for w in workers if w.last_heartbeat_time and w.last_heartbeat_time > since]
        if not seen:
            return _Found("degraded", f"None was seen in the last {WORKER_SECONDS} s.")
        return _Found("ok", f"{len(seen)} seen in the last {WORKER_SECONDS} s.")

    async def _outside(self) -> dict[str, Part]:
        """The services that were ever to be asked, by their circuits."""
        began = time.perf_counter()
        try:
            async with (
                asyncio.timeout(CHECK_SECONDS),
                self._services.database.service() as connection,
            ):
                found = await metrics.circuits(connection)
        except Exception:  # the database's own check says it
            return {}
        seconds = round(time.perf_counter() - began, 4)
        return {
            each.provider: Part(
                status="ok" if each.state == "closed" else "degraded",
                seconds=seconds,
                detail=_of_circuit(each),
                last_success=each.last_success,
            )
            for each in found
        }


def _of_circuit(circuit: Circuit) -> str:
    state = f"Its circuit is {circuit.state.replace('_', ' ')}."
    if circuit.open_since is None:
        return state
    since = f"It has not answered since {circuit.open_since:%Y-%m-%d %H:%M:%S} UTC"
    return f"{state} {since}; {circuit.waiting} documents wait for it."


async def _timed(name: str, check: Callable[[], Awaitable[_Found]]) -> Part:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            found = await check()
    except TimeoutError:
        found = _Found(_worst(name), f"No answer within {CHECK_SECONDS:g} s.")
    except Exception as error:  # whatever it is, this part does not work
        found = _Found(_worst(name), f"It fails ({type(error).__name__}).")
    if found.status in ("degraded", "failing"):
        _LOG.warning("part_unhealthy", part=name, status=found.status, reason=found.detail)
    seconds = round(time.perf_counter() - began, 4)
    return Part(
        status=found.status, seconds=seconds, detail=found.detail, last_success=found.last_success
    )


def _worst(name: str) -> Status:
    return "failing" if name in REQUIRED else "degraded"


def _overall(parts: dict[str, Part]) -> Status:
    statuses = {part.status for part in parts.values()}
    return "failing" if "failing" in statuses else "degraded" if "degraded" in statuses else "ok"


@cache
def _head() -> str:
    return head_revision()


async def _is_let_in(client: PrefectClient) -> bool:
    """Whether the server takes our password; its health is told to everybody."""
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        await client.api_version()
    except PrefectHTTPStatusError as error:
        return error.response.status_code != HTTPStatus.UNAUTHORIZED
    return True
