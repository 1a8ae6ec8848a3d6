"""Embeds without key, network or torch: wordllama's static vectors, or an ONNX model's folder.

Both load once a process, at first use, and work in a thread, so that the event loop goes on.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clients.embedder import EmbedderPlugin, EmbeddingAnswer, EmbeddingSpace, Vectors, unit_vectors
from clients.local.onnx_model import OnnxModel, onnx_model
from clients.network.provider_errors import BadAnswer
from pipeline.errors import ConfigurationError, EmbeddingError
from pipeline.packing import RequestLimits

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from pipeline.settings import Settings

WORDLLAMA_DIMENSION = 256


class _LocalEmbedder(ABC):
    """What the local embedders have in common: no price, no connection, one thread at a time."""

    @property
    @abstractmethod
    def space(self) -> EmbeddingSpace:
        """Where the vectors belong."""

    @property
    def price_per_million_tokens(self) -> Decimal:
        """Nothing."""
        return Decimal(0)

    @property
    def concurrency(self) -> int:
        """Two, so that one call works while the other's vectors are stored."""
        return 2

    async def embed(self, texts: Sequence[str]) -> EmbeddingAnswer:
        """Embed texts; see `Embedder.embed`.

        Raises:
            EmbeddingError: a text has no words that the model knows, or is too long for it.
            ConfigurationError: the model's files are missing or damaged.
        """
        started = time.perf_counter()
        vectors, tokens = await asyncio.to_thread(self._embed, list(texts))
        return EmbeddingAnswer(vectors, tokens, None, time.perf_counter() - started)

    async def close(self) -> None:  # noqa: B027 - nothing to do is the behaviour
        """Nothing to give back: the model stays for the process."""

    @abstractmethod
    def _embed(self, texts: list[str]) -> tuple[Vectors, int]:
        """Unit vectors of the texts, and their tokens together."""


class StaticModel(NamedTuple):
    """A tokenizer and one vector per token."""

    tokenizer: Tokenizer
    embedding: NDArray[np.float32]


class WordLlamaEmbedder(_LocalEmbedder):
    """The zero-key default: the mean of wordllama's 256-dimensional token vectors.

    The vectors equal those of the library (a test compares them); its own code is not used, because
    importing it configures the root logger, and its padding makes it several times slower.
    """

    @property
    def space(self) -> EmbeddingSpace:
        """Where the vectors belong; another release of the weights is another space."""
        return _wordllama_space()

    @property
    def tokenizer_name(self) -> str:
        """For `pipeline.tokens.tokenizer`."""
        return "wordllama"

    @property
    def limits(self) -> RequestLimits:
        """A call's size; the model itself has no longest text."""
        return RequestLimits(max_inputs=256, max_tokens=300_000, max_input_tokens=300_000)

    def _embed(self, texts: list[str]) -> tuple[Vectors, int]:
        model = static_model()
        encodings = model.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = [encoding.ids for encoding in encodings]
        for index, tokens in enumerate(ids):
            if not tokens:
                raise EmbeddingError(f"Text {index} has no words.", code="empty_input")
        vectors = np.empty((len(texts), WORDLLAMA_DIMENSION), dtype=np.float32)
        for row, tokens in enumerate(ids):
            vectors[row] = _mean(model.embedding, tokens)
        return _checked(vectors), sum(map(len, ids))


class OnnxEmbedder(_LocalEmbedder):
    """A sentence-embedding model as a folder with `model.onnx` and `tokenizer.json`.

    Args:
        folder: as sentence-transformers exports it; mean pooling over the last hidden state.

    Raises:
        ConfigurationError: when first used, when a file is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def space(self) -> EmbeddingSpace:
        """Where the vectors belong; the model is named by its folder and its content."""
        model = self._model
        return EmbeddingSpace("onnx", f"{self._folder.name}-{model.sha256[:12]}", model.dimension)

    @property
    def tokenizer_name(self) -> str:
        """For `pipeline.tokens.tokenizer`; its counts include the model's special tokens."""
        return f"hf:{self._folder / 'tokenizer.json'}"

    @property
    def limits(self) -> RequestLimits:
        """A call's size, and the model's longest text."""
        return RequestLimits(64, 64 * self._model.max_tokens, self._model.max_tokens)

    @property
    def _model(self) -> OnnxModel:
        return onnx_model(self._folder)

    def _embed(self, texts: list[str]) -> tuple[Vectors, int]:
        vectors, tokens = self._model.run(texts)
        return _checked(vectors), tokens


@cache
def _wordllama_space() -> EmbeddingSpace:
    # The version is read from the package's files, which takes a millisecond and more.
    name = f"wordllama-l2-supercat-{version('wordllama')}"
    return EmbeddingSpace("local", name, WORDLLAMA_DIMENSION)


@cache
def static_model() -> StaticModel:
    """The model that comes with the program, loaded once a process.

    Raises:
        ConfigurationError: its files are missing or damaged.
    """
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    spec = find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "The package wordllama is not installed.", remedy="Install the locked requirements."
        )
    folder = Path(spec.origin).parent
    try:
        tensors = load_file(folder / "weights" / "l2_supercat_256.safetensors")
        raw = (folder / "tokenizers" / "l2_supercat_tokenizer_config.json").read_bytes()
        tokenizer = Tokenizer.from_buffer(raw)
    except Exception as error:  # the tokenizer library raises bare Exception for a damaged file
        raise ConfigurationError(
            "The files of wordllama are missing or damaged.",
            remedy="Install the locked requirements again.",
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return StaticModel(tokenizer, np.asarray(tensors["embedding.weight"], dtype=np.float32))


def _mean(embedding: NDArray[np.float32], ids: list[int]) -> Vectors:
    rows = embedding[np.minimum(ids, len(embedding) - 1)]
    return np.asarray(rows.mean(axis=0), dtype=np.float32)


def _checked(vectors: Vectors) -> Vectors:
    try:
        return unit_vectors(vectors, "The local model")
    except BadAnswer as error:
        # The same text gives the same vector for ever: trying again would not help.
        raise EmbeddingError(error.message, remedy="Look at the chunk's text.") from None


def _open_onnx(settings: Settings) -> OnnxEmbedder:
    assert settings.onnx_folder is not None, "checked by the settings"
    return OnnxEmbedder(settings.onnx_folder)


WORDLLAMA = EmbedderPlugin("static vectors on this machine", lambda _: WordLlamaEmbedder())
ONNX = EmbedderPlugin("an ONNX model on this machine", _open_onnx)
