"""Reads the web's formulas (MathML) as text."""

from __future__ import annotations

from functools import cached_property

from bs4 import Tag

from pipeline.parsing.flowing.math_text import formula
from pipeline.parsing.html.elements import attribute

_WITH_CHARACTERS = ("mi", "mn", "mo", "mtext", "ms")


class _MathMl:
    """An element of a formula, as `math_text` wants it."""

    def __init__(self, element: Tag) -> None:
        self.name = str(element.name).rpartition(":")[2]
        self._element = element

    @property
    def text(self) -> str:
        return self._element.get_text() if self.name in _WITH_CHARACTERS else ""

    @cached_property
    def inside(self) -> list[_MathMl]:
        return [_MathMl(child) for child in self._element.children if isinstance(child, Tag)]

    def setting(self, name: str) -> str | None:
        return attribute(self._element, name) or None


def formula_text(element: Tag) -> str:
    """A formula (``math``) on one line."""
    return formula(_MathMl(element))
