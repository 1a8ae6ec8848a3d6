"""Services against the stand-ins and a database of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from blocks.assembly import Services, open_services
from mocks import LlamaParseMock, OpenAIMock
from pipeline.settings import load_settings
from tests.flows.corpus import Opener


@pytest.fixture(scope="module")
def openai_server() -> Iterator[OpenAIMock]:
    """One stand-in for a module."""
    with OpenAIMock() as mock:
        yield mock


@pytest.fixture
def openai(openai_server: OpenAIMock) -> OpenAIMock:
    """The stand-in without faults, its counters at zero."""
    openai_server.reset()
    return openai_server


@pytest.fixture(scope="module")
def llamaparse_server() -> Iterator[LlamaParseMock]:
    """One stand-in for a module."""
    with LlamaParseMock(job_seconds=0.02) as mock:
        yield mock


@pytest.fixture
def llamaparse(llamaparse_server: LlamaParseMock) -> LlamaParseMock:
    """The stand-in without faults, its counters at zero."""
    llamaparse_server.reset()
    return llamaparse_server


@pytest.fixture
def local(database_url: str, tmp_path: Path) -> Opener:
    """Opens services that need nothing outside this machine; keywords are settings."""

    def opened(**settings: Any) -> AbstractAsyncContextManager[Services]:
        values = {"database_url": database_url, "home": tmp_path / "home", "chunk_tokens": 64}
        values |= {"chunk_overlap_tokens": 8, "parse_workers": 1, "embedder": "wordllama"}
        return open_services(load_settings(**(values | settings)))

    return opened


@pytest.fixture
def remote(local: Opener, openai: OpenAIMock) -> Opener:
    """The same with embeddings from the stand-in."""

    def opened(**settings: Any) -> AbstractAsyncContextManager[Services]:
        values = {"embedder": "openai", "openai_api_key": "sk-test"}
        return local(**(values | {"openai_base_url": openai.base_url} | settings))

    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the documents lie."""
    made = tmp_path / "documents"
    made.mkdir()
    return made
