"""Texts embedded outside of any run: each is in the ledger, to the token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app.doctor import checks as checkups
from clients.network.provider_errors import BadAnswer
from clients.openai.embedder import OpenAIEmbedder
from mocks import OpenAIMock
from pipeline.errors import NavigatorError
from pipeline.identity import user_id
from pipeline.settings import Settings
from pipeline.store.engine import Database, rows
from stages.query_embedding import QUESTION, embedded

ANNA = user_id("anna")
TEXT = "Is hail insured?"


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIMock]:
    with OpenAIMock() as mock:
        yield mock


@pytest.fixture
async def embedder(openai: OpenAIMock) -> AsyncIterator[OpenAIEmbedder]:
    openai.reset()
    opened = OpenAIEmbedder(SecretStr("sk-test"), base_url=openai.base_url)
    yield opened
    await opened.close()


async def calls(database: Database) -> list[Any]:
    """The ledger."""
    what = "operation, outcome, tokens, cost_usd > 0, user_id, run_id"
    async with database.service() as connection:
        found = await rows(connection, sa.text(f"SELECT {what} FROM upload_pipeline.service_calls"))
    return [tuple(row.values()) for row in found]


@pytest.mark.parametrize("fault", ["none", "no_usage"])
async def test_a_question_is_in_the_ledger(
    fault: str, openai: OpenAIMock, database: Database, embedder: OpenAIEmbedder
) -> None:
    """With its tokens and who asked, also when the service does not tell them; of no run."""
    openai.faults(*([] if fault == "none" else [fault]))
    await embedded(TEXT, database, embedder, operation=QUESTION, owner=ANNA)
    billed = openai.stats()["billed_tokens"]
    assert await calls(database) == [("question", "ok", billed, True, ANNA, None)]


async def test_an_answer_that_cannot_be_used_is_in_the_ledger(
    openai: OpenAIMock, database: Database, embedder: OpenAIEmbedder
) -> None:
    """It was paid all the same; a refusal was not."""
    openai.faults({"fault": "nan", "times": 1}, {"fault": {"kind": "status", "status": 500}})
    for _ in range(2):
        with pytest.raises(NavigatorError) as raised:
            await embedded(TEXT, database, embedder, operation=QUESTION, owner=ANNA)
    assert not isinstance(raised.value, BadAnswer)
    billed = openai.stats()["billed_tokens"]
    assert await calls(database) == [("question", "bad_answer", billed, True, ANNA, None)]


async def test_what_doctor_sends_is_in_the_ledger(
    openai: OpenAIMock, database_url: str, database: Database, tmp_path: Path
) -> None:
    """The sentence that tries the embedder costs its tokens."""
    settings = Settings(
        home=tmp_path,
        database_url=SecretStr(database_url),
        openai_api_key=SecretStr("sk-test"),
        openai_base_url=openai.base_url,
    )
    openai.reset()
    async with AsyncExitStack() as stack:
        await checkups.embedder(settings, stack)
    billed = openai.stats()["billed_tokens"]
    assert await calls(database) == [("trial", "ok", billed, True, None, None)]
