"""Reads a Word file's metadata: title, author, dates."""

from __future__ import annotations

from pipeline.parsing.docx.names import children
from pipeline.parsing.docx.package import Package

_NAMES = {
    "title": "title", "creator": "author", "subject": "subject", "keywords": "keywords",
    "created": "created", "modified": "modified",
}  # fmt: skip
_MAX_CHARS = 500


def facts(package: Package) -> dict[str, str]:
    """The document properties that have a value, by our names."""
    names = (r.target for r in package.references("").values() if r.kind == "core-properties")
    root = package.xml(next(names, "docProps/core.xml"))
    found: dict[str, str] = {}
    for name, element in children(root) if root is not None else ():
        words = " ".join((element.text or "").split())[:_MAX_CHARS]
        if words and (ours := _NAMES.get(name.rpartition(":")[2])):
            found[ours] = words
    return found
