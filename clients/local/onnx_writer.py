"""Writes ONNX models (protocol buffers) from arrays, without the onnx package."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 9
OPSET = 20
"""The first that has Gelu; LayerNormalization came with 17."""

Array = NDArray[np.float32] | NDArray[np.int8] | NDArray[np.int64]
Shape = Sequence[str | int]
_TYPES = {"float32": 1, "int8": 3, "int64": 7}


class GraphWriter:
    """A graph that grows node by node.

    Names of values are made here; each method that adds a node returns its output's name.
    """

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []
        self._count = 0

    def constant(self, value: Array) -> str:
        """An array that belongs to the model."""
        name = self._name("c")
        dims = b"".join(_number(1, size) for size in value.shape)
        kind = _number(2, _TYPES[value.dtype.name])
        raw = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<")).tobytes()
        self._tensors.append(_bytes(5, dims + kind + _bytes(8, name.encode()) + _bytes(9, raw)))
        return name

    def add(self, operator: str, *inputs: str, **attributes: float | int | Sequence[int]) -> str:
        """A node with one output."""
        return self.several(operator, inputs, 1, **attributes)[0]

    def several(
        self,
        operator: str,
        inputs: Iterable[str],
        outputs: int,
        **attributes: float | int | Sequence[int],
    ) -> list[str]:
        """A node with several outputs."""
        names = [self._name("v") for _ in range(outputs)]
        node = b"".join(_bytes(1, each.encode()) for each in inputs)
        node += b"".join(_bytes(2, each.encode()) for each in names)
        node += _bytes(4, operator.encode())
        node += b"".join(_bytes(5, _attribute(*each)) for each in attributes.items())
        self._nodes.append(_bytes(1, node))
        return names

    def rename(self, value: str, name: str) -> str:
        """A value under a name of the model's own, such as its output's."""
        node = _bytes(1, value.encode()) + _bytes(2, name.encode()) + _bytes(4, b"Identity")
        self._nodes.append(_bytes(1, node))
        return name

    def model(self, inputs: dict[str, Shape], outputs: dict[str, Shape]) -> bytes:
        """The file. Inputs are int64, outputs float32."""
        graph = b"".join(self._nodes) + _bytes(2, b"model") + b"".join(self._tensors)
        graph += b"".join(_bytes(11, _value(*each, "int64")) for each in inputs.items())
        graph += b"".join(_bytes(12, _value(*each, "float32")) for each in outputs.items())
        opset = _bytes(1, b"") + _number(2, OPSET)
        return _number(1, IR_VERSION) + _bytes(8, opset) + _bytes(7, graph)

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"


def _attribute(name: str, value: float | int | Sequence[int]) -> bytes:
    said = _bytes(1, name.encode())
    if isinstance(value, float):
        return said + _key(2, 5) + struct.pack("<f", value) + _number(20, 1)
    if isinstance(value, int):
        return said + _number(3, value) + _number(20, 2)
    return said + b"".join(_number(8, each) for each in value) + _number(20, 7)


def _value(name: str, shape: Shape, kind: str) -> bytes:
    dims = b"".join(_bytes(1, _dimension(each)) for each in shape)
    tensor = _number(1, _TYPES[kind]) + _bytes(2, dims)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _dimension(size: str | int) -> bytes:
    return _bytes(2, size.encode()) if isinstance(size, str) else _number(1, size)


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value % 2**64)


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
