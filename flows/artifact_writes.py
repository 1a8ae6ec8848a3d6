"""Writes Prefect artifacts as best effort: never a reason to fail, nor to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from pipeline.logs import logger

SHOW_SECONDS = 10.0
"""How long Prefect's server may take for an artifact; it is asked again within that time."""

_LOG = logger("navigator.flows")

Shown = TypeVar("Shown")


async def shown(showing: Awaitable[Shown]) -> Shown | None:
    """Await a Prefect artifact as best effort; None when the server does not take it.

    Prefect's client by itself goes on asking a server that has gone for two minutes, each time.
    """
    try:
        async with asyncio.timeout(SHOW_SECONDS):
            return await showing
    except Exception as error:  # whatever it is, the documents go on
        _LOG.warning("prefect_artifact_failed", error=type(error).__name__)
        return None
