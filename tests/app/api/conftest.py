"""One API for each test module, over a database of its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr

from pipeline.settings import Settings
from tests.app.api.serving import RunningApi, serving


@pytest.fixture(scope="module")
def api_settings(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Everything local, without limits of requests."""
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=SecretStr(module_database_url),
        requests_per_minute=0,
        uploads_per_minute=0,
    )


@pytest.fixture(scope="module")
def api(api_settings: Settings) -> Iterator[RunningApi]:
    """The running API."""
    with serving(api_settings) as running:
        yield running


@pytest.fixture
def anna(api: RunningApi) -> Iterator[httpx.Client]:
    """One user's client."""
    with api.client("anna") as client:
        yield client


@pytest.fixture
def ben(api: RunningApi) -> Iterator[httpx.Client]:
    """Another user's client."""
    with api.client("ben") as client:
        yield client
