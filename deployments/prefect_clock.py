"""Reads the clock of Prefect's server, which dates states and heartbeats and says what is due.

Ours may be wrong by a day; what is compared with the server's times is therefore its own.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.http_dates import time_there

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

KEPT_SECONDS = 30.0
"""How long an answer is counted on from, by the clock that nobody sets."""


async def server_time(client: PrefectClient) -> datetime:
    """The server's time, to the second."""
    return time_there((await client.hello()).headers)


class ServerClock:
    """The server's time for who needs it often: asked for once in a while."""

    def __init__(self) -> None:
        self._read: tuple[datetime, float] | None = None

    async def now(self, client: PrefectClient) -> datetime:
        """The server's time, to the second."""
        if self._read is None or time.monotonic() - self._read[1] > KEPT_SECONDS:
            self._read = await server_time(client), time.monotonic()
        then, read_at = self._read
        return then + timedelta(seconds=time.monotonic() - read_at)
