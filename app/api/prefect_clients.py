"""Opens Prefect clients for the API, with the server's password and off the event loop."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient


async def load_client() -> None:
    """Import the client in a thread: it takes seconds, in which nobody else would be answered."""
    await asyncio.to_thread(import_module, "prefect.client.orchestration")


async def client_of(url: str) -> PrefectClient:
    """A client of the server at `url`, to be opened by who calls."""
    await load_client()
    from prefect.client.orchestration import PrefectClient
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_KEY

    return PrefectClient(
        url, auth_string=PREFECT_API_AUTH_STRING.value(), api_key=PREFECT_API_KEY.value()
    )
