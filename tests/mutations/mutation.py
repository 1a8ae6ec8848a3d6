"""A mutation: one guard of the program taken out, and the tests that must notice.

A mutation is data. Its old text is looked for within one definition (a function, a method, a
statement such as `_CLAIM`), so that moving the definition, or changing what stands around the
guard, leaves the mutation valid.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class DoesNotApply(Exception):
    """The tree has no such text at that place, or has it twice: the mutation is to be adapted."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One guard taken out.

    Attributes:
        name: in words with hyphens, unique.
        file: relative to the root.
        within: the definition that holds the text: ``name``, ``Class.name``, or empty for all.
        old, new: the guard, exactly, and what stands in its place.
        tests: files, or tests as ``file::name``, that notice.
        why: what the guard protects, in one sentence.
    """

    name: str
    file: str
    within: str
    old: str
    new: str
    tests: tuple[str, ...]
    why: str

    def applied(self, source: str) -> str:
        """The file's text with the guard taken out.

        Raises:
            DoesNotApply: the definition or the old text is not there exactly once.
        """
        start, end = _span(source, self.within) if self.within else (0, len(source))
        found = source[start:end].count(self.old)
        if found != 1:
            where = f"{self.within} of {self.file}" if self.within else self.file
            raise DoesNotApply(f"{self.name}: {where} has {self.old!r} {found} times, not once.")
        place = source.index(self.old, start, end)
        return source[:place] + self.new + source[place + len(self.old) :]


def _span(source: str, within: str) -> tuple[int, int]:
    """Where a definition begins and ends, in characters."""
    body: list[ast.stmt] = ast.parse(source).body
    node: ast.stmt | None = None
    for name in within.split("."):
        named = [each for each in body if name in _names(each)]
        if len(named) != 1:
            raise DoesNotApply(f"There are {len(named)} definitions of {within}, not one.")
        node = named[0]
        body = getattr(node, "body", [])
    assert node is not None and node.end_lineno is not None
    lines = source.splitlines(keepends=True)
    return sum(map(len, lines[: node.lineno - 1])), sum(map(len, lines[: node.end_lineno]))


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return set()
