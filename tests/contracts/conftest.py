"""The two sides that every contract test can run against: mock servers and the real services."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from llama_cloud import LlamaCloud
from openai import OpenAI

from mocks import LlamaParseMock, OpenAIMock
from tests.contracts.real_services import BOTH, account
from tests.contracts.receiving import Receiver


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
    """The official client of the mock server, which never retries."""
    with OpenAI(
        api_key="sk-test", base_url=openai_mock.base_url, max_retries=0, timeout=5
    ) as client:
        yield client


@pytest.fixture(params=BOTH)
def client(request: pytest.FixtureRequest) -> Iterator[OpenAI]:
    """The official client of the mock server, and of the real service when there is a key."""
    if request.param == "mock":
        yield request.getfixturevalue("faulty")
        return
    with OpenAI(**account("OPENAI")._asdict(), max_retries=2) as client:
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
    """The official client of the mock server, which never retries."""
    with LlamaCloud(api_key="llx-test", base_url=parse_mock.base_url, max_retries=0) as client:
        yield client


@pytest.fixture(params=BOTH)
def llama(request: pytest.FixtureRequest) -> Iterator[LlamaCloud]:
    """The official client of the mock server, and of the real service when there is a key."""
    if request.param == "mock":
        yield request.getfixturevalue("stood_in")
        return
    with LlamaCloud(**account("LLAMA_CLOUD")._asdict()) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running
