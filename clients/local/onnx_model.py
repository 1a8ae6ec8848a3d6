"""Runs a sentence-embedding model from a folder by onnxruntime on the CPU."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigurationError, EmbeddingError

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

DEFAULT_MAX_TOKENS = 512
BATCH = 32
# Some tokenizer files say "no limit" as a number of this size.
ABSURD_LENGTH = 1_000_000


@dataclass(frozen=True)
class OnnxModel:
    """A loaded model.

    Attributes:
        max_tokens: of one text, special tokens included.
        sha256: of `model.onnx`.
    """

    session: Any
    tokenizer: Tokenizer
    dimension: int
    max_tokens: int
    sha256: str

    def run(self, texts: list[str]) -> tuple[NDArray[np.float32], int]:
        """Mean-pooled vectors, shape (texts, dimension), not of unit norm; and the tokens.

        Raises:
            EmbeddingError: a text is longer than the model reads: cutting it off would lose words.
        """
        encodings = self.tokenizer.encode_batch(texts)
        lengths = [sum(encoding.attention_mask) for encoding in encodings]
        for index, length in enumerate(lengths):
            if length > self.max_tokens:
                raise EmbeddingError(
                    f"Text {index} has {length} tokens; the model reads {self.max_tokens}.",
                    code="input_too_long",
                    remedy="Lower NAVIGATOR_CHUNK_TOKENS, then ingest again.",
                )
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        # Texts of like length share a batch, so that little is computed for padding.
        order = sorted(range(len(texts)), key=lengths.__getitem__)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            vectors[rows] = self._pooled([encodings[row] for row in rows])
        return vectors, sum(lengths)

    def outputs(self, encodings: list[Encoding]) -> NDArray[np.float32]:
        """What the model itself answers for texts that it can read."""
        longest = max(sum(encoding.attention_mask) for encoding in encodings)
        columns = {
            "input_ids": _padded([e.ids for e in encodings], longest),
            "attention_mask": _padded([e.attention_mask for e in encodings], longest),
            "token_type_ids": _padded([e.type_ids for e in encodings], longest),
        }
        wanted = {given.name: columns[given.name] for given in self.session.get_inputs()}
        return np.asarray(self.session.run(None, wanted)[0], dtype=np.float32)

    def _pooled(self, encodings: list[Encoding]) -> NDArray[np.float32]:
        output = self.outputs(encodings)
        if output.ndim == 2:  # the model pools by itself
            return output
        masks = [encoding.attention_mask for encoding in encodings]
        mask = _padded(masks, output.shape[1])[:, :, np.newaxis].astype(np.float32)
        pooled = (output * mask).sum(axis=1) / np.maximum(mask.sum(axis=1), 1.0)
        return np.asarray(pooled, dtype=np.float32)


@cache
def onnx_model(folder: Path) -> OnnxModel:
    """Load the model of a folder, once a process.

    Raises:
        ConfigurationError: a file is missing or damaged, or the model wants other inputs.
    """
    import onnxruntime
    from tokenizers import Tokenizer

    try:
        raw = (folder / "model.onnx").read_bytes()
        tokenizer = Tokenizer.from_buffer((folder / "tokenizer.json").read_bytes())
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # By path, not from the bytes: large models keep their weights in a file beside it.
        session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # both libraries raise bare exceptions for damaged files
        raise _wrong_folder(f"cannot be loaded ({type(error).__name__})") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    _check_inputs(session)
    sha256 = hashlib.sha256(raw).hexdigest()
    return OnnxModel(session, tokenizer, _dimension(session), _max_tokens(folder), sha256)


def _padded(rows: list[list[int]], length: int) -> NDArray[np.int64]:
    # The attention mask makes the padding's value meaningless.
    padded = np.zeros((len(rows), length), dtype=np.int64)
    for row, values in enumerate(rows):
        padded[row, : len(values)] = values
    return padded


def _check_inputs(session: Any) -> None:
    names = {given.name for given in session.get_inputs()}
    if not {"input_ids"} <= names <= {"input_ids", "attention_mask", "token_type_ids"}:
        raise _wrong_folder("wants other inputs than a sentence-embedding model")


def _dimension(session: Any) -> int:
    last = session.get_outputs()[0].shape[-1]
    if not isinstance(last, int):
        raise _wrong_folder("does not say the dimension of its output")
    return last


def _max_tokens(folder: Path) -> int:
    sources = (
        ("sentence_bert_config.json", "max_seq_length"),
        ("tokenizer_config.json", "model_max_length"),
        ("config.json", "max_position_embeddings"),
    )
    for name, key in sources:
        path = folder / name
        if not path.exists():
            continue
        try:
            value = json.loads(path.read_bytes()).get(key)
        except (ValueError, AttributeError):
            raise _wrong_folder(f"has a damaged {name}") from None
        if isinstance(value, int) and 0 < value < ABSURD_LENGTH:
            return value
    return DEFAULT_MAX_TOKENS


def _wrong_folder(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"The ONNX model {what}.",
        remedy="Set NAVIGATOR_ONNX_FOLDER to a folder with model.onnx and tokenizer.json.",
    )
