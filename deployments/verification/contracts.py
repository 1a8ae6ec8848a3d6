"""Probes the outside services with next to nothing: what they really answer, and that they do."""

from __future__ import annotations

import numpy as np

from deployments.verification.baseline import Contracts, EmbedderContract, ParserContract
from pipeline.identity import CANARY, combined_sha256
from stages.query_embedding import TRIAL, embedded
from stages.services import Services

PROBE = "The insurer pays for hail damage to the roof of the garage."
"""The one text that is embedded; a dozen tokens."""
SAME_DIRECTION = 0.9999
"""The least cosine of a model's vector with its own of another day: services round."""


async def probe(parts: Services) -> Contracts:
    """Ask each service once. The embedder's answer may cost a fraction of a cent, in the ledger.

    The parsing service is asked for a file that it cannot know, which costs nothing; what it reads
    is seen by the canaries.

    Raises:
        NavigatorError: a service does not answer, or not as it should.
    """
    remote = parts.remote_parser
    if remote is not None:
        await remote.find(combined_sha256([str(CANARY), "probe"]))
    return Contracts(
        embedder=await _embedder(parts),
        parser=ParserContract(
            parser=parts.version.parser,
            chunker=parts.version.chunker,
            service=remote.service if remote is not None else None,
        ),
    )


async def _embedder(parts: Services) -> EmbedderContract:
    answer = await embedded(PROBE, parts.database, parts.embedder, operation=TRIAL)
    vector, space = np.asarray(answer.vectors[0], dtype=np.float64), parts.embedder.space
    return EmbedderContract(
        provider=space.provider,
        model=space.model,
        dimension=space.dimension,
        version=space.version,
        norm=round(float(np.linalg.norm(vector)), 4),
        tokens=answer.tokens,
        has_request_id=answer.request_id is not None,
        vector=tuple(round(float(value), 6) for value in vector),
    )


def cosine(one: EmbedderContract, other: EmbedderContract) -> float:
    """How alike two vectors are; -1 for those of another length."""
    if len(one.vector) != len(other.vector):
        return -1.0
    first, second = np.asarray(one.vector), np.asarray(other.vector)
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))
