"""The two sides that every contract test can run against: the stand-ins, and the real services.

The real ones are asked only by `pytest tests/contracts -m real_services`, with OPENAI_API_KEY or
LLAMA_CLOUD_API_KEY set: they cost money, so a key that happens to be there is not enough.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from llama_cloud import LlamaCloud
from openai import OpenAI

from mocks import LlamaParseMock, OpenAIMock
from tests.contracts.receiving import Receiver

BOTH = ["stand-in", pytest.param("real", marks=pytest.mark.real_services)]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without being asked for, the real services are not called."""
    if "real_services" in (config.option.markexpr or ""):
        return
    unasked = pytest.mark.skip(reason="asks a real service: run with -m real_services and a key")
    for item in items:
        if item.get_closest_marker("real_services"):
            item.add_marker(unasked)


@pytest.fixture(scope="module")
def running_openai() -> Iterator[OpenAIMock]:
    with OpenAIMock() as mock:
        yield mock


@pytest.fixture
def openai_mock(running_openai: OpenAIMock) -> OpenAIMock:
    running_openai.reset()
    return running_openai


@pytest.fixture
def faulty(openai_mock: OpenAIMock) -> Iterator[OpenAI]:
    """The official client of the stand-in, which never retries."""
    with OpenAI(
        api_key="sk-test", base_url=openai_mock.base_url, max_retries=0, timeout=5
    ) as client:
        yield client


@pytest.fixture(params=BOTH)
def client(request: pytest.FixtureRequest) -> Iterator[OpenAI]:
    """The official client of the stand-in, and of the real service when asked for."""
    if request.param == "stand-in":
        yield request.getfixturevalue("faulty")
        return
    with OpenAI(api_key=_key("OPENAI_API_KEY"), max_retries=2) as client:
        yield client


@pytest.fixture(scope="module")
def running_parse() -> Iterator[LlamaParseMock]:
    with LlamaParseMock(job_seconds=0.1, time_scale=1.0) as mock:
        yield mock


@pytest.fixture
def parse_mock(running_parse: LlamaParseMock) -> LlamaParseMock:
    running_parse.reset()
    return running_parse


@pytest.fixture
def stood_in(parse_mock: LlamaParseMock) -> Iterator[LlamaCloud]:
    """The official client of the stand-in, which never retries."""
    with LlamaCloud(api_key="llx-test", base_url=parse_mock.base_url, max_retries=0) as client:
        yield client


@pytest.fixture(params=BOTH)
def llama(request: pytest.FixtureRequest) -> Iterator[LlamaCloud]:
    """The official client of the stand-in, and of the real service when asked for."""
    if request.param == "stand-in":
        yield request.getfixturevalue("stood_in")
        return
    with LlamaCloud(api_key=_key("LLAMA_CLOUD_API_KEY")) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def _key(name: str) -> str:
    key = os.environ.get(name)
    if not key:
        pytest.skip(f"{name} is not set")
    return key
