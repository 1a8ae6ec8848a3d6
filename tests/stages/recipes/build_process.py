"""A process that builds the recipe of little chunks: python -m tests.stages.recipes.build_process.

It is killed at a failpoint.
"""

from __future__ import annotations

import asyncio

from pipeline.settings import load_settings
from stages.services import open_services
from tests.stages.recipes.building import built


async def build() -> None:
    """Build it in the database that the environment names."""
    async with open_services(load_settings()) as services:
        await built(services)


if __name__ == "__main__":
    asyncio.run(build())
