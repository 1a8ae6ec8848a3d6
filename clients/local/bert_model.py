"""Makes an ONNX model with 8-bit weights of a BERT encoder's weights, without torch.

Weights of matrices are int8, one scale for each column, in seven bits: with eight, processors
without VNNI saturate when they add products. Activations are quantized while it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clients.local.onnx_writer import GraphWriter

Weights = Mapping[str, NDArray[np.float32]]
LARGEST = 63
_FAR = -10_000.0
_NOTHING = np.float32(1e-30)
"""Columns of values below it are zero; dividing by their scale would give anything."""
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True, slots=True)
class BertShape:
    """The sizes that the weights do not say themselves."""

    layers: int
    heads: int
    epsilon: float


def bert_model(weights: Weights, shape: BertShape) -> bytes:
    """The model's file: its output is the last hidden state, shape (batch, tokens, dimension)."""
    writer = _Encoder(weights, shape)
    hidden = writer.embeddings()
    mask = writer.mask()
    for layer in range(shape.layers):
        hidden = writer.layer(f"encoder.layer.{layer}.", hidden, mask)
    output = writer.graph.rename(hidden, "last_hidden_state")
    return writer.graph.model(
        dict.fromkeys(_INPUTS, ("batch", "tokens")),
        {output: ("batch", "tokens", writer.dimension)},
    )


class _Encoder:
    def __init__(self, weights: Weights, shape: BertShape) -> None:
        self._weights, self._shape = weights, shape
        self.graph = GraphWriter()
        self.dimension = weights["embeddings.word_embeddings.weight"].shape[1]

    def embeddings(self) -> str:
        """The sum of the embeddings of word, place and part, normalized."""
        graph = self.graph
        table, scales = quantized(self._weights["embeddings.word_embeddings.weight"], axis=1)
        words = graph.add("Gather", graph.constant(table), "input_ids")
        words = graph.add("Cast", words, to=1)
        words = graph.add("Mul", words, graph.add("Gather", graph.constant(scales), "input_ids"))
        size = graph.add("Gather", graph.add("Shape", "input_ids"), self._integers(1), axis=0)
        places = graph.add("Range", self._integer(0), graph.add("Squeeze", size), self._integer(1))
        at = graph.add("Gather", self._tensor("embeddings.position_embeddings.weight"), places)
        part = graph.add(
            "Gather", self._tensor("embeddings.token_type_embeddings.weight"), "token_type_ids"
        )
        whole = graph.add("Add", graph.add("Add", words, part), at)
        return self._normalized("embeddings.LayerNorm.", whole)

    def mask(self) -> str:
        """What is added to the attention to padding: shape (batch, 1, 1, tokens)."""
        graph = self.graph
        there = graph.add("Cast", "attention_mask", to=1)
        there = graph.add("Unsqueeze", there, self._integers(1, 2))
        away = graph.add("Sub", self._number(1.0), there)
        return graph.add("Mul", away, self._number(_FAR))

    def layer(self, name: str, hidden: str, mask: str) -> str:
        """One layer: attention, then the feed-forward part."""
        graph = self.graph
        attended = self._attention(f"{name}attention.self.", hidden, mask)
        attended = self._linear(f"{name}attention.output.dense.", [attended])
        hidden = self._normalized(
            f"{name}attention.output.LayerNorm.", graph.add("Add", attended, hidden)
        )
        wide = graph.add("Gelu", self._linear(f"{name}intermediate.dense.", [hidden]))
        narrow = self._linear(f"{name}output.dense.", [wide])
        return self._normalized(f"{name}output.LayerNorm.", graph.add("Add", narrow, hidden))

    def _attention(self, name: str, hidden: str, mask: str) -> str:
        graph, size = self.graph, self.dimension // self._shape.heads
        given = self._quantized_input(hidden)
        query = self._heads(self._linear(f"{name}query.", given), (0, 2, 1, 3))
        key = self._heads(self._linear(f"{name}key.", given), (0, 2, 3, 1))
        value = self._heads(self._linear(f"{name}value.", given), (0, 2, 1, 3))
        scores = graph.add("MatMul", query, key)
        scores = graph.add("Mul", scores, self._number(size**-0.5))
        shares = graph.add("Softmax", graph.add("Add", scores, mask), axis=-1)
        mixed = graph.add("Transpose", graph.add("MatMul", shares, value), perm=(0, 2, 1, 3))
        return graph.add("Reshape", mixed, self._integers(0, 0, self.dimension))

    def _heads(self, value: str, order: tuple[int, ...]) -> str:
        heads = self._shape.heads
        split = self._integers(0, 0, heads, self.dimension // heads)
        return self.graph.add("Transpose", self.graph.add("Reshape", value, split), perm=order)

    def _linear(self, name: str, given: list[str]) -> str:
        """A dense layer in integers, of a value or of one that is quantized already."""
        graph = self.graph
        values, scale, zero = given if len(given) == 3 else self._quantized_input(given[0])
        table, scales = quantized(self._weights[f"{name}weight"].T, axis=0)
        product = graph.add("MatMulInteger", values, graph.constant(table), zero)
        product = graph.add("Cast", product, to=1)
        both = graph.add("Mul", scale, graph.constant(scales[0]))
        return graph.add("Add", graph.add("Mul", product, both), self._tensor(f"{name}bias"))

    def _quantized_input(self, value: str) -> list[str]:
        return self.graph.several("DynamicQuantizeLinear", [value], 3)

    def _normalized(self, name: str, value: str) -> str:
        weight, bias = self._tensor(f"{name}weight"), self._tensor(f"{name}bias")
        return self.graph.add(
            "LayerNormalization", value, weight, bias, axis=-1, epsilon=self._shape.epsilon
        )

    def _tensor(self, name: str) -> str:
        return self.graph.constant(np.asarray(self._weights[name], dtype=np.float32))

    def _number(self, value: float) -> str:
        return self.graph.constant(np.array(value, dtype=np.float32))

    def _integer(self, value: int) -> str:
        return self.graph.constant(np.array(value, dtype=np.int64))

    def _integers(self, *values: int) -> str:
        return self.graph.constant(np.array(values, dtype=np.int64))


def quantized(
    table: NDArray[np.float32], axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A table in whole numbers, and the scales that make it what it was, along an axis.

    Args:
        axis: the one over which a scale is shared.
    """
    largest = np.abs(table).max(axis=axis, keepdims=True).astype(np.float32)
    whole = largest > _NOTHING
    scales = np.where(whole, largest / np.float32(LARGEST), np.float32(1)).astype(np.float32)
    return np.rint(table / scales).astype(np.int8), scales
