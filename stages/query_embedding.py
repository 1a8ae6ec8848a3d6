"""Embeds a person's questions outside of any run, each request with its entry in the ledger.

The entry names no run, so that no document's bill and no run's cap has to do with it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.errors import NavigatorError

if TYPE_CHECKING:
    from clients.embedder import Embedder, EmbeddingAnswer
    from pipeline.store.engine import Database
    from pipeline.store.service_calls import ServiceCall

QUESTION, TRIAL, PROBE = "question", "trial", "probe"
"""What a request was for: a search; whether the embedder answers; whether it is the same model."""
HERE = frozenset({"local", "onnx"})
"""Providers that are this machine: nothing of them is billed."""


async def embedded(
    text: str,
    database: Database,
    embedder: Embedder,
    *,
    operation: str,
    owner: UUID | None = None,
) -> EmbeddingAnswer:
    """Embed a text and write down what it cost, unless the embedder runs on this machine.

    Args:
        owner: who asked.

    Raises:
        NavigatorError: as `Embedder.embed` says.
        DatabaseUnavailable: the ledger could not be written for a while.
    """
    from clients.network.provider_errors import is_paid

    if is_here(embedder):
        return await embedder.embed([text])
    started = time.perf_counter()
    try:
        answer = await embedder.embed([text])
    except NavigatorError as error:
        if is_paid(error):
            seconds, tokens = time.perf_counter() - started, counted(text, embedder)
            await _write(database, _call(embedder, operation, error.code, seconds, tokens, owner))
        raise
    tokens = answer.tokens or counted(text, embedder)
    await _write(database, _call(embedder, operation, "ok", answer.seconds, tokens, owner, answer))
    return answer


def is_here(embedder: Embedder) -> bool:
    """Whether the embedder runs on this machine: no price, no network, no service to be away."""
    return embedder.space.provider in HERE


def counted(text: str, embedder: Embedder) -> int:
    """The tokens of a text, of which the service did not tell the bill."""
    from pipeline.tokens import tokenizer

    return sum(tokenizer(embedder.tokenizer_name).count([text]))


def _call(
    embedder: Embedder,
    operation: str,
    outcome: str,
    seconds: float,
    tokens: int,
    owner: UUID | None,
    answer: EmbeddingAnswer | None = None,
) -> ServiceCall:
    from pipeline.store.service_calls import ServiceCall
    from stages.costs import embedding_price

    return ServiceCall(
        f"{embedder.space.provider}/{embedder.space.model}",
        operation,
        outcome,
        seconds,
        inputs=1,
        tokens=tokens,
        cost_usd=embedding_price(embedder, tokens),
        request_id=answer.request_id if answer else None,
        user_id=owner,
    )


async def _write(database: Database, call: ServiceCall) -> None:
    """Tried again as long as whoever asks waits for the database."""
    from pipeline.store import service_calls
    from stages.durable_writes import retry_until_committed, shielded

    async def write() -> None:
        async with database.service() as connection:
            await service_calls.record(connection, call)

    patience = database.patience_seconds
    await shielded(retry_until_committed(write, call.request_id, patience_seconds=patience))
