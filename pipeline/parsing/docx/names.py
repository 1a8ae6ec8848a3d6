"""Names of OOXML: one short form for the namespaces of transitional and of strict files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeAlias

Element: TypeAlias = Any
"""An element of lxml, whose own types are not published."""

_TRANSITIONAL = "http://schemas.openxmlformats.org/"
_STRICT = "http://purl.oclc.org/ooxml/"
_MICROSOFT = "http://schemas.microsoft.com/office/"
_PREFIXES = {
    "wordprocessingml/main": "w",
    "wordprocessingml/2006/main": "w",
    "officeDocument/math": "m",
    "officeDocument/2006/math": "m",
    "officeDocument/relationships": "r",
    "officeDocument/2006/relationships": "r",
    "drawingml/main": "a",
    "drawingml/2006/main": "a",
    "drawingml/picture": "pic",
    "drawingml/2006/picture": "pic",
    "drawingml/wordprocessingDrawing": "wp",
    "drawingml/2006/wordprocessingDrawing": "wp",
    "drawingml/chart": "c",
    "drawingml/2006/chart": "c",
    "drawingml/diagram": "dgm",
    "drawingml/2006/diagram": "dgm",
    "markup-compatibility/2006": "mc",
    "word/2010/wordml": "w14",
    "word/2010/wordprocessingShape": "wps",
}
_VML = {"urn:schemas-microsoft-com:vml": "v", "urn:schemas-microsoft-com:office:office": "o"}


@lru_cache(maxsize=4096)
def short(tag: str) -> str:
    """An element's or attribute's name as ``w:p``; without a prefix for an unknown namespace."""
    namespace, _, name = tag.rpartition("}")
    namespace = namespace.lstrip("{")
    for beginning in (_TRANSITIONAL, _STRICT, _MICROSOFT):
        if prefix := _PREFIXES.get(namespace.removeprefix(beginning)):
            return f"{prefix}:{name}"
    return f"{_VML[namespace]}:{name}" if namespace in _VML else name


def children(element: Element) -> Iterator[tuple[str, Element]]:
    """The elements in an element, each with its short name; comments are passed over."""
    for child in element:
        if isinstance(child.tag, str):
            yield short(child.tag), child


def child(element: Element | None, *path: str) -> Element | None:
    """The first element at the end of a path of short names, None when there is none."""
    for name in path:
        if element is None:
            return None
        element = next((each for found, each in children(element) if found == name), None)
    return element


def attribute(element: Element | None, name: str) -> str | None:
    """An attribute by its name without prefix, whatever namespace it is in."""
    if element is None:
        return None
    if (plain := element.get(name)) is not None:
        return str(plain)
    return next(
        (str(value) for key, value in element.attrib.items() if key.endswith("}" + name)), None
    )


def value(element: Element | None, *path: str) -> str | None:
    """The ``w:val`` of the element at the end of a path, None when there is none."""
    return attribute(child(element, *path), "val")


def number(text: str | None, default: int = 0) -> int:
    """A whole number as a file writes it, the default when it is none."""
    try:
        return int(float(text)) if text else default
    except (ValueError, OverflowError):
        return default


def is_on(element: Element | None, default: bool = False) -> bool:
    """Whether a switch (``w:b``, ``w:vanish``) is there and not turned off."""
    if element is None:
        return default
    return attribute(element, "val") not in ("0", "false", "off", "none")
