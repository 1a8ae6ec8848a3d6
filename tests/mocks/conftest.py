"""A running OpenAI mock server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mocks import OpenAIMock


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIMock]:
    with OpenAIMock() as mock:
        yield mock


@pytest.fixture
def mock(running: OpenAIMock) -> OpenAIMock:
    running.reset()
    return running
