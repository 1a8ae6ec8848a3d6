"""Renders formulas as text: Word's OMML and the web's MathML, on one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

_ATOM = re.compile(r"\A(?:[\w.,]*|\(.*\)|√.*)", re.DOTALL)
_SPACES = re.compile(r"\s+")


class Node(Protocol):
    """A formula's element, whichever library read it."""

    @property
    def name(self) -> str:
        """Its name without a namespace: ``f``, ``mfrac``."""

    @property
    def text(self) -> str:
        """The characters directly in it, for an element that holds characters."""

    @property
    def inside(self) -> Sequence[Node]:
        """The elements in it."""

    def setting(self, name: str) -> str | None:
        """A value of its properties, e.g. which bracket opens it."""


def formula(node: Node) -> str:
    """A formula on one line: ``(a+b)/c``, ``x^2``, ``√(y)``."""
    return _SPACES.sub(" ", _text(node)).strip()


def _text(node: Node) -> str:
    write = _WRITERS.get(node.name)
    if node.name in _LEFT_OUT:
        return ""
    if write is not None:
        return write(node)
    return node.text or _all(node)


def _all(node: Node) -> str:
    return "".join(map(_text, node.inside))


def _parts(node: Node, *names: str) -> list[str]:
    """The text of the named elements in it (OMML), each once, empty where it is missing."""
    found = {each.name: each for each in node.inside}
    return [_text(found[name]).strip() if name in found else "" for name in names]


def _operands(node: Node) -> list[str]:
    """The text of the elements in it, in order (MathML), filled up to three."""
    found = [_text(each).strip() for each in node.inside]
    return found + [""] * (3 - len(found))


def _group(text: str) -> str:
    return text if _ATOM.fullmatch(text) else f"({text})"


def _fraction(over: str, under: str) -> str:
    return f"{_group(over)}/{_group(under)}"


def _scripts(base: str, below: str, above: str) -> str:
    return base + (f"_{_group(below)}" if below else "") + (f"^{_group(above)}" if above else "")


def _root(inside: str, degree: str) -> str:
    return f"{degree}√({inside})"


def _nary(node: Node) -> str:
    below, above, inside = _parts(node, "sub", "sup", "e")
    return f"{_scripts(node.setting('chr') or '∫', below, above)} {inside}"


def _delimited(node: Node) -> str:
    opening, closing = node.setting("begChr"), node.setting("endChr")
    inside = (_text(each).strip() for each in node.inside if each.name == "e")
    separator = node.setting("sepChr") or "|"
    left, right = ("(" if opening is None else opening), (")" if closing is None else closing)
    return left + separator.join(inside) + right


def _rows(node: Node, names: Iterable[str]) -> str:
    return "; ".join(_text(each).strip() for each in node.inside if each.name in names)


def _cells(node: Node) -> str:
    return ", ".join(_text(each).strip() for each in node.inside)


def _fenced(node: Node) -> str:
    inside = ", ".join(_text(each).strip() for each in node.inside)
    return f"{node.setting('open') or '('}{inside}{node.setting('close') or ')'}"


def _at(node: Node, *places: int) -> list[str]:
    operands = _operands(node)
    return [operands[place] if place >= 0 else "" for place in places]


_LEFT_OUT = frozenset(
    {"rPr", "ctrlPr", "fPr", "dPr", "naryPr", "radPr", "sSupPr", "sSubPr", "annotation",
     "annotation-xml", "mphantom"}
)  # fmt: skip
_WRITERS: dict[str, Callable[[Node], str]] = {
    "f": lambda node: _fraction(*_parts(node, "num", "den")),
    "sSup": lambda node: _scripts(*_parts(node, "e", "none", "sup")),
    "sSub": lambda node: _scripts(*_parts(node, "e", "sub", "none")),
    "sSubSup": lambda node: _scripts(*_parts(node, "e", "sub", "sup")),
    "sPre": lambda node: _scripts("", *_parts(node, "sub", "sup")) + _parts(node, "e")[0],
    "rad": lambda node: _root(*_parts(node, "e", "deg")),
    "nary": _nary,
    "d": _delimited,
    "func": lambda node: " ".join(_parts(node, "fName", "e")),
    "limLow": lambda node: _scripts(*_parts(node, "e", "lim", "none")),
    "limUpp": lambda node: _scripts(*_parts(node, "e", "none", "lim")),
    "eqArr": lambda node: _rows(node, ("e",)),
    "m": lambda node: f"[{_rows(node, ('mr',))}]",
    "mr": _cells,
    "mfrac": lambda node: _fraction(*_at(node, 0, 1)),
    "msup": lambda node: _scripts(*_at(node, 0, -1, 1)),
    "msub": lambda node: _scripts(*_at(node, 0, 1, -1)),
    "msubsup": lambda node: _scripts(*_at(node, 0, 1, 2)),
    "munder": lambda node: _scripts(*_at(node, 0, 1, -1)),
    "mover": lambda node: _scripts(*_at(node, 0, -1, 1)),
    "munderover": lambda node: _scripts(*_at(node, 0, 1, 2)),
    "msqrt": lambda node: _root(_all(node).strip(), ""),
    "mroot": lambda node: _root(*_at(node, 0, 1)),
    "mtable": lambda node: f"[{_rows(node, ('mtr', 'mlabeledtr'))}]",
    "mtr": _cells,
    "mfenced": _fenced,
}
