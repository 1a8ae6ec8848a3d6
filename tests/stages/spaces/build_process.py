"""A process that builds a space, to be killed: python -m tests.stages.spaces.build_process."""

from __future__ import annotations

import asyncio
import json
import sys

from pipeline.settings import load_settings
from stages.services import open_services
from stages.spaces.space_settings import SpaceSettings
from tests.stages.spaces.building import built


async def build() -> None:
    """Build the space that the argument says."""
    settings = SpaceSettings.model_validate(json.loads(sys.argv[1]))
    async with open_services(load_settings()) as services:
        await built(services, settings)


if __name__ == "__main__":
    asyncio.run(build())
