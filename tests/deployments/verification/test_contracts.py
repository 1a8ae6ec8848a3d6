"""What the services really answer to a probe, against the mock servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deployments.verification.comparison import compare_contracts
from deployments.verification.contracts import probe
from deployments.verification.findings import Outcome
from mocks import LlamaParseMock, OpenAIMock
from pipeline.errors import NavigatorError
from pipeline.loopback import free_port
from pipeline.settings import load_settings
from stages.services import open_services


def _settings(url: str, home: Path, base_url: str, **more: Any) -> Any:
    given: dict[str, Any] = {
        "database_url": url, "home": home, "embedder": "openai", "openai_api_key": "sk-test",
        "openai_base_url": base_url, "parse_workers": 1, "service_patience_seconds": 0.3,
    }  # fmt: skip
    return load_settings(**(given | more))


async def test_embedder(database_url: str, tmp_path: Path) -> None:
    """One short request, which stands in the ledger with its tokens, tells what a model is."""
    with OpenAIMock() as mock:
        async with open_services(_settings(database_url, tmp_path, mock.base_url)) as parts:
            first, second = await probe(parts), await probe(parts)
            async with parts.database.service() as connection:
                ledger = sa.text("SELECT operation, tokens > 0, cost_usd > 0 FROM service_calls")
                calls = [tuple(row) for row in await connection.execute(ledger)]
        assert mock.stats()["requests"] == 2
    assert calls == [("trial", True, True)] * 2
    assert first.embedder is not None
    assert (first.embedder.dimension, first.embedder.norm) == (1536, 1.0)
    assert first.embedder.has_request_id
    assert {each.outcome for each in compare_contracts(first, second)} == {Outcome.OK}


async def test_wrong_model_is_noticed(database_url: str, tmp_path: Path) -> None:
    """A service that answers with another model's vectors is told by dimension and direction."""
    with OpenAIMock() as mock:
        settings = _settings(database_url, tmp_path, mock.base_url)
        async with open_services(settings) as parts:
            before = await probe(parts)
        other = _settings(
            database_url, tmp_path, mock.base_url, embedding_model="text-embedding-3-large"
        )
        async with open_services(other) as parts:
            found = await probe(parts)
    wrong = {each.name for each in compare_contracts(before, found)
             if each.outcome is Outcome.FAILED}  # fmt: skip
    assert wrong >= {"embedder model", "embedder dimension", "embedder vector"}


async def test_unreachable_embedder(database_url: str, tmp_path: Path) -> None:
    """A service that does not answer is one sentence."""
    nowhere = f"http://127.0.0.1:{free_port()}/v1"
    async with open_services(_settings(database_url, tmp_path, nowhere)) as parts:
        with pytest.raises(NavigatorError, match="is not there"):
            await probe(parts)


async def test_parser_is_reached_without_a_bill(database_url: str, tmp_path: Path) -> None:
    """The parsing service is asked for a file that it cannot know, which costs nothing."""
    with LlamaParseMock(job_seconds=0.02) as mock:
        settings = load_settings(
            database_url=database_url, home=tmp_path, embedder="wordllama", parse_workers=1,
            parser="llamaparse", llama_cloud_api_key="llx-test-key",
            llama_cloud_base_url=mock.base_url,
        )  # fmt: skip
        async with open_services(settings) as parts:
            found = await probe(parts)
        assert mock.stats()["requests"] == 1
        assert mock.stats()["credits"] == 0
    assert found.parser.service == "llamaparse"
