"""A process that ingests files by itself, to be stopped and woken.

Called as `python -m tests.sleeping PATH`.

Its settings are its environment. With LLAMA_CLOUD_BASE_URL the mock server is asked in quick
succession.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import replace

from clients.llamaparse.client import LlamaParseClient
from pipeline.errors import NavigatorError
from pipeline.identity import user_id
from pipeline.settings import load_settings
from stages.services import open_services
from tests.ingesting import ingest


async def _work(paths: list[str]) -> None:
    settings = load_settings()
    async with open_services(settings) as services:
        parser = services.remote_parser
        if parser is not None and settings.llama_cloud_api_key is not None:
            key, url = settings.llama_cloud_api_key, settings.llama_cloud_base_url
            parser = LlamaParseClient(key, base_url=url, poll_seconds=0.05, timeout=30)
        with suppress(NavigatorError):  # what it lost is another worker's
            await ingest(replace(services, remote_parser=parser), paths, user_id("anna"))
        if parser is not None:
            await parser.close()


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1:]))
