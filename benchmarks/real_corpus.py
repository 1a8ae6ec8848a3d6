"""A corpus of real text that anyone has: what the locked packages say about themselves.

`python -m benchmarks.real_corpus FOLDER` writes it and prints its hash. The texts are the packages'
descriptions, their documentation files and, when those run out, the docstrings of their modules,
package by package in the order of their names, cut at blank lines into 4 to 12 kB. Nothing is
downloaded and nothing is drawn at random, so the same locked packages give the same bytes; the
manifest says by hashes whether two machines have the same. Licenses are left out: most are copies.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchmarks.corpus import LONGEST, SEED, SHORTEST
from pipeline.child_processes import ROOT

if TYPE_CHECKING:
    from email.message import Message

LOCK = ROOT / "requirements.lock"
MANIFEST = "manifest.json"
_LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)", re.MULTILINE)
_DOCUMENTS = (".md", ".rst")
_LEGAL = ("license", "licence", "copying", "notice", "authors")
_NOT_THEIRS = ("/tests/", "/test/", "/_vendor/", "/vendored/", "/node_modules/")
# A docstring that says nothing but its name is no text.
_SHORTEST_DOCSTRING = 200


@dataclass(frozen=True, slots=True)
class Text:
    """One document of the corpus.

    Attributes:
        sha256: of its bytes.
        package: with its version, as in ``prefect==3.8.8``.
    """

    file: str
    package: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the corpus is.

    Attributes:
        sha256: over the documents' hashes in order: equal on two machines, the corpus is equal.
        repeated: the share of bytes in paragraphs that stood in the corpus before.
    """

    sha256: str
    documents: int
    bytes: int
    packages: int
    repeated: float
    texts: tuple[Text, ...]


class TooLittleText(RuntimeError):
    """The installed packages do not hold enough text."""


def write_real_corpus(folder: Path, documents: int) -> Manifest:
    """Write `documents` files ``real-00000.md`` … into ``folder`` and their manifest beside it.

    Args:
        folder: made when missing; the manifest is ``folder.manifest.json``, not in it.

    Raises:
        TooLittleText: the locked packages have less text, or are not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts: list[Text] = []
    seen: set[str] = set()
    size = repeated = 0
    for number, (package, text) in enumerate(_limited(documents)):
        data = text.encode()
        path = folder / f"real-{number:05d}.md"
        path.write_bytes(data)
        texts.append(Text(path.name, package, len(data), hashlib.sha256(data).hexdigest()))
        for paragraph in text.split("\n\n"):
            size += len(paragraph)
            repeated += len(paragraph) if paragraph in seen else 0
            seen.add(paragraph)
    together = hashlib.sha256("".join(text.sha256 for text in texts).encode()).hexdigest()
    manifest = Manifest(
        together, len(texts), sum(text.bytes for text in texts),
        len({text.package for text in texts}), round(repeated / size, 3), tuple(texts),
    )  # fmt: skip
    manifest_of(folder).write_text(json.dumps(asdict(manifest), indent=1) + "\n")
    return manifest


def manifest_of(folder: Path) -> Path:
    """Where the manifest of a corpus lies: beside its folder, for it is none of the documents."""
    return folder.with_name(f"{folder.name}.{MANIFEST}")


def _limited(documents: int) -> Iterator[tuple[str, str]]:
    found = 0
    for package, text in _cut(_packages()):
        if found == documents:
            return
        found += 1
        yield package, text
    if found < documents:
        raise TooLittleText(
            f"The locked packages give {found} texts, not {documents}. "
            "Run `make setup`, or ask for fewer with --documents."
        )


def _packages() -> list[tuple[str, Distribution]]:
    """The installed packages that the lock names in that version, by name."""
    locked = {_normal(name): version for name, version in _LOCKED.findall(LOCK.read_text())}
    found = {_normal(each.metadata["Name"]): each for each in distributions()}
    return [
        (f"{name}=={found[name].version}", found[name])
        for name in sorted(found)
        if locked.get(name) == found[name].version
    ]


def _cut(packages: list[tuple[str, Distribution]]) -> Iterator[tuple[str, str]]:
    """Documents of all packages: first from their documentation, then from their docstrings."""
    for source in (_documentation, _docstrings):
        for package, distribution in packages:
            for number, text in enumerate(documents_of(source(distribution), package)):
                yield package, f"# {package}, part {number + 1}\n\n{text}"


def documents_of(texts: Iterable[str], name: str) -> Iterator[str]:
    """Cut texts at their blank lines into documents of 4 to 12 kB; a short rest is left out.

    Args:
        name: on which the lengths hang, so that they vary and are always the same.
    """
    rng = random.Random(f"{SEED}/{name}")
    parts: list[str] = []
    size, target = 0, _length(rng)
    for paragraph in (each for text in texts for each in _paragraphs(text)):
        length = len(paragraph.encode()) + 2
        if parts and size + length > target:
            # A paragraph that is too long for the rest begins the next document.
            if size >= SHORTEST:
                yield "\n\n".join(parts) + "\n"
            parts, size, target = [], 0, _length(rng)
        parts.append(paragraph)
        size += length
    if size >= SHORTEST:
        yield "\n\n".join(parts) + "\n"


def _length(rng: random.Random) -> int:
    return rng.randint(SHORTEST + 2000, LONGEST - 200)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        stripped = paragraph.strip()
        # Longer ones are tables of data or encoded pictures.
        if stripped and len(stripped.encode()) <= SHORTEST // 2:
            yield stripped


def _documentation(distribution: Distribution) -> Iterator[str]:
    description = cast("Message", distribution.metadata).get_payload()
    if isinstance(description, str):
        yield description
    for path in _files(distribution, _DOCUMENTS):
        if not any(word in path.name.lower() for word in _LEGAL):
            yield from _read(path)


def _docstrings(distribution: Distribution) -> Iterator[str]:
    for path in _files(distribution, (".py",)):
        for source in _read(path):
            try:
                tree = ast.parse(source)
            except SyntaxError:
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    said = ast.get_docstring(node) or ""
                    if len(said) >= _SHORTEST_DOCSTRING:
                        yield said


def _files(distribution: Distribution, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for file in sorted(distribution.files or (), key=str):
        inside = f"/{file}"
        if inside.endswith(suffixes) and not any(part in inside for part in _NOT_THEIRS):
            yield Path(str(file.locate()))


def _read(path: Path) -> Iterator[str]:
    try:
        yield path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Write the corpus and say what it is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real_corpus", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=1000)
    options = parser.parse_args()
    print(told(write_real_corpus(options.folder, options.documents)))


def told(manifest: Manifest) -> str:
    """One sentence about the corpus, by which two machines are compared."""
    return (
        f"{manifest.documents} texts of {manifest.packages} locked packages, "
        f"{manifest.bytes / 1e6:.1f} MB, {manifest.repeated:.1%} repeated paragraphs, "
        f"sha256 {manifest.sha256[:16]}."
    )


if __name__ == "__main__":
    main()
