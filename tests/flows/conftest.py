"""A worker process with a database of its own, and Prefect's own account of what it ran."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from mocks import OpenAIMock
from tests.flows.working import KEY, Account, Worker, start_worker
from tests.prefect_server import PrefectServer


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIMock]:
    """A mock server in a thread of the test's process."""
    with OpenAIMock(api_key=KEY) as mock:
        yield mock


@pytest.fixture(scope="module")
def variables(
    module_database_url: str, openai: OpenAIMock, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The settings of the module's flows."""
    return {
        "DATABASE_URL": module_database_url,
        "NAVIGATOR_HOME": str(tmp_path_factory.mktemp("home")),
        "NAVIGATOR_USER": "anna",
        "NAVIGATOR_CHUNK_TOKENS": "64",
        "NAVIGATOR_CHUNK_OVERLAP_TOKENS": "8",
        "NAVIGATOR_PARSE_WORKERS": "1",
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": openai.base_url,
    }


@pytest.fixture(scope="module")
def worker(
    prefect_server: PrefectServer,
    variables: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Worker]:
    """The module's worker."""
    folder = tmp_path_factory.mktemp("worker")
    started = start_worker(folder, prefect_server.environment, variables)
    yield started
    started.end()


@pytest.fixture(scope="module")
def account(prefect_server: PrefectServer) -> Iterator[Account]:
    """The server's API."""
    with httpx.Client(base_url=prefect_server.url, timeout=30) as api:
        yield Account(api)
