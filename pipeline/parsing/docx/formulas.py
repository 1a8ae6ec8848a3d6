"""Reads Word's formulas (OMML) as text."""

from __future__ import annotations

from functools import cached_property

from pipeline.parsing.docx.names import Element, attribute, children
from pipeline.parsing.flowing.math_text import formula


class _Omml:
    """An element of a formula, as `math_text` wants it."""

    def __init__(self, name: str, element: Element) -> None:
        self.name = name.partition(":")[2] or name
        self._element = element

    @property
    def text(self) -> str:
        return (self._element.text or "") if self.name == "t" else ""

    @cached_property
    def inside(self) -> list[_Omml]:
        return [_Omml(name, each) for name, each in children(self._element)]

    def setting(self, name: str) -> str | None:
        for properties in self.inside:
            if properties.name == f"{self.name}Pr":
                found = (each for each in properties.inside if each.name == name)
                return next((attribute(each._element, "val") or "" for each in found), None)
        return None


def formula_text(element: Element) -> str:
    """A formula (``m:oMath``) on one line."""
    return formula(_Omml("oMath", element))
