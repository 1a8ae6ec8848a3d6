"""Tries a model before it is installed: that it answers, and tells one meaning from another."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from clients.local.embedders import OnnxEmbedder
from clients.local.onnx_model import onnx_model
from clients.local.reranker import cross_encoder
from pipeline.errors import ConfigurationError, NavigatorError

_PASSAGES = (
    "The annual deductible is $500; hospital stays are covered at 80 percent.",
    "Eyeglass frames may be replaced every second calendar year.",
    "You may cancel the policy in writing within thirty days.",
)
_QUESTIONS = (
    "how much do I pay before insurance covers surgery",
    "when can I get new glasses",
    "ending my contract",
)


@dataclass(frozen=True, slots=True)
class Probed:
    """What trying a model showed.

    Attributes:
        kind: embedder or reranker. dimension: 0 of a reranker. tokens: the longest text.
        right: of three questions, those whose passage came first.
        milliseconds: of processor for a short text.
    """

    kind: str
    dimension: int
    tokens: int
    right: int
    milliseconds: float


def probe(folder: Path) -> Probed:
    """Try the model of a folder.

    Raises:
        ConfigurationError: it cannot be loaded, or answers nothing that can be used.
    """
    try:
        if onnx_model(folder).dimension == 1:
            return _reranker(folder)
        return _embedder(folder)
    except ConfigurationError:
        raise
    except Exception as error:
        reason = error.message if isinstance(error, NavigatorError) else type(error).__name__
        raise ConfigurationError(
            f"The model was tried and does not work ({reason.rstrip('.')}).",
            remedy="Nothing was installed. Export the model again, or take another.",
        ) from error


def _embedder(folder: Path) -> Probed:
    embedder = OnnxEmbedder(folder)
    texts = [*_PASSAGES, *_QUESTIONS]
    asyncio.run(embedder.embed(texts))  # the first run also allocates
    began = time.process_time()
    vectors = asyncio.run(embedder.embed(texts)).vectors
    spent = time.process_time() - began
    scores = vectors[len(_PASSAGES) :] @ vectors[: len(_PASSAGES)].T
    right = sum(int(row.argmax()) == index for index, row in enumerate(scores))
    space, limits = embedder.space, embedder.limits
    return Probed(
        "embedder", space.dimension, limits.max_input_tokens, right, 1000 * spent / len(texts)
    )


def _reranker(folder: Path) -> Probed:
    model = cross_encoder(folder)
    began = time.process_time()
    answered = [model.scores(question, _PASSAGES) for question in _QUESTIONS]
    spent = time.process_time() - began
    right = sum(int(row.argmax()) == index for index, row in enumerate(answered))
    pairs = len(_QUESTIONS) * len(_PASSAGES)
    return Probed("reranker", 0, model.max_tokens, right, 1000 * spent / pairs)
