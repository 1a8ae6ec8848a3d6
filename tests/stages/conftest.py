"""Services against the mock servers and a database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from clients.llamaparse.client import LlamaParseClient
from mocks import LlamaParseMock, OpenAIMock
from pipeline.settings import load_settings
from stages.services import Services, open_services
from tests.flows.corpus import Opener


@pytest.fixture(scope="module")
def openai_server() -> Iterator[OpenAIMock]:
    """One mock server for a module."""
    with OpenAIMock() as mock:
        yield mock


@pytest.fixture
def openai(openai_server: OpenAIMock) -> OpenAIMock:
    """The mock server without faults, its counters at zero."""
    openai_server.reset()
    return openai_server


@pytest.fixture(scope="module")
def llamaparse_server() -> Iterator[LlamaParseMock]:
    """One mock server for a module."""
    with LlamaParseMock(job_seconds=0.02) as mock:
        yield mock


@pytest.fixture
def llamaparse(llamaparse_server: LlamaParseMock) -> LlamaParseMock:
    """The mock server without faults, its counters at zero."""
    llamaparse_server.reset()
    return llamaparse_server


@pytest.fixture
def local(database_url: str, tmp_path: Path) -> Opener:
    """Opens services that need nothing outside this machine; keywords are settings."""

    def opened(**settings: Any) -> AbstractAsyncContextManager[Services]:
        values = {"database_url": database_url, "home": tmp_path / "home", "chunk_tokens": 64}
        # a service that fails is not waited for, and asked again without a pause to speak of
        values |= {"service_patience_seconds": 0.3}
        values |= {"chunk_overlap_tokens": 8, "parse_workers": 1, "embedder": "wordllama"}
        return open_services(load_settings(**(values | settings)))

    return opened


@pytest.fixture
def remote(local: Opener, openai: OpenAIMock) -> Opener:
    """The same with embeddings from the mock server."""

    def opened(**settings: Any) -> AbstractAsyncContextManager[Services]:
        values = {"embedder": "openai", "openai_api_key": "sk-test"}
        return local(**(values | {"openai_base_url": openai.base_url} | settings))

    return opened


@pytest.fixture
def paying(local: Opener, llamaparse: LlamaParseMock) -> Opener:
    """Opens services whose parser is the mock server, asked in quick succession."""

    @asynccontextmanager
    async def opened(deadline_seconds: float = 10, **settings: Any) -> AsyncIterator[Services]:
        key, url = SecretStr("llx-test"), llamaparse.base_url
        client = LlamaParseClient(
            key, base_url=url, poll_seconds=0.02, timeout=10, deadline_seconds=deadline_seconds,
            usd_per_credit=settings.get("llama_cloud_usd_per_credit", Decimal("0.001")),
        )  # fmt: skip
        values = {"parser": "llamaparse", "llama_cloud_api_key": key, "llama_cloud_base_url": url}
        async with local(**(values | settings)) as services:
            try:
                yield replace(services, remote_parser=client)
            finally:
                await client.close()

    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the documents lie."""
    made = tmp_path / "documents"
    made.mkdir()
    return made
