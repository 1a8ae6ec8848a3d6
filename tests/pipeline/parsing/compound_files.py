"""OLE compound files for the tests, made as the format's description has it (MS-CFB)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_SECTOR = 512
_FREE, _END, _NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF
_FAT_SECTOR = 0xFFFFFFFD


@dataclass(eq=False)
class _Node:
    name: str
    content: bytes | None = None
    children: dict[str, _Node] = field(default_factory=dict)


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file; streams are named by their path, each part a storage.

    Streams are stored in whole sectors and none in the small ones, which the format allows when
    they are as large as its cut-off; short ones are padded, as far as their reader sees not at all.
    """
    root = _Node("Root Entry")
    for path, content in streams.items():
        node = root
        *folders, name = path.split("/")
        for folder in folders:
            node = node.children.setdefault(folder, _Node(folder))
        node.children[name] = _Node(name, content)
    return _written(_listed(root))


def _listed(root: _Node) -> list[_Node]:
    found = [root]
    for node in found:
        found.extend(node.children.values())
    return found


def _written(nodes: list[_Node]) -> bytes:
    sectors: list[bytes] = []
    fat: list[int] = []

    def put(data: bytes) -> int:
        if not data:
            return _END
        first = len(sectors)
        pieces = [data[at : at + _SECTOR] for at in range(0, len(data), _SECTOR)]
        for number, piece in enumerate(pieces):
            sectors.append(piece.ljust(_SECTOR, b"\0"))
            fat.append(_END if number == len(pieces) - 1 else len(sectors))
        return first

    # the small stream: everything shorter than the cut-off, in pieces of 64 bytes
    small = bytearray()
    small_fat: list[int] = []
    places: dict[int, int] = {}
    for number, node in enumerate(nodes):
        content = node.content
        if content is None:
            continue
        if len(content) >= 4096:
            places[number] = put(content)
            continue
        count = -(-len(content) // 64)
        places[number] = len(small_fat) if count else _END
        small += content.ljust(count * 64, b"\0")
        small_fat += [len(small_fat) + n + 1 for n in range(count - 1)] + [_END] * (count > 0)
    root_start = put(bytes(small))
    minifat = put(b"".join(struct.pack("<I", each) for each in small_fat))
    minifat_count = -(-len(small_fat) * 4 // _SECTOR)
    entries = b"".join(
        _entry(number, node, nodes, places, root_start, len(small))
        for number, node in enumerate(nodes)
    )
    directory = put(entries)
    fat_count = 1
    while (len(sectors) + fat_count) * 4 > fat_count * _SECTOR:
        fat_count += 1
    first_fat = len(sectors)
    table = fat + [_FAT_SECTOR] * fat_count
    table += [_FREE] * (fat_count * _SECTOR // 4 - len(table))
    sectors.append(b"".join(struct.pack("<I", each) for each in table))
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6,
        b"", 0, fat_count, directory, 0, 4096, minifat if small_fat else _END, minifat_count, _END,
        0, first_fat,
    )  # fmt: skip
    rest = [first_fat + n for n in range(1, fat_count)]
    header += b"".join(struct.pack("<I", each) for each in rest)
    return header.ljust(_SECTOR, b"\xff") + b"".join(sectors)


def _entry(
    number: int,
    node: _Node,
    nodes: list[_Node],
    places: Mapping[int, int],
    root_start: int,
    root_size: int,
) -> bytes:
    index = {id(each): at for at, each in enumerate(nodes)}
    parent = next((each for each in nodes if node in each.children.values()), None)
    # a chain to the right is a tree, too, when it is in the order of the names
    order = (
        sorted(parent.children.values(), key=lambda n: (len(n.name), n.name.upper()))
        if parent
        else []
    )
    after = order.index(node) + 1 if node in order else 0
    right = index[id(order[after])] if 0 < after < len(order) else _NONE
    inside = sorted(node.children.values(), key=lambda n: (len(n.name), n.name.upper()))
    child = index[id(inside[0])] if inside else _NONE
    kind = 5 if number == 0 else 1 if node.content is None else 2
    start = root_start if number == 0 else places.get(number, 0)
    size = root_size if number == 0 else len(node.content or b"")
    name = node.name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ", name, len(name) + 2, kind, 1, _NONE, right, child, b"", 0, 0, 0,
        start, size,
    )  # fmt: skip
