"""A running OpenAI stand-in and the official client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from mocks import OpenAIMock


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIMock]:
    with OpenAIMock() as mock:
        yield mock


@pytest.fixture
def mock(running: OpenAIMock) -> OpenAIMock:
    running.reset()
    return running


@pytest.fixture
def client(mock: OpenAIMock) -> Iterator[OpenAI]:
    with OpenAI(api_key="sk-test", base_url=mock.base_url, max_retries=0, timeout=5) as client:
        yield client
