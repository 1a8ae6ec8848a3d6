"""Reads public question sets that lie in folders: documents, questions, and what answers them.

Four forms, told apart by the files in the folder:

- BEIR: `corpus.jsonl`, `queries.jsonl`, `qrels/*.tsv`; whole documents are judged.
- chunking_evaluation: `questions_df.csv` with references as text, `corpora/NAME.md`.
- pages: `questions.jsonl` beside the files; a line is `{"question", "document", "pages" or
  "passage", "within"}`. One with neither has no answer; `within` asks it of its document alone.
- our samples: `questions.yaml`, documents in `files`.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_QUESTIONS, _SAMPLES = "questions.jsonl", "questions.yaml"


@dataclass(frozen=True, slots=True)
class Target:
    """What answers a question: a document, pages of it, or a passage of it.

    Attributes:
        pages: any of them answers; empty where the whole document or a passage is meant.
        passage: as it stands in the document; empty where pages or the document are meant.
        grade: how well it answers, above 0.
    """

    document: str
    pages: tuple[int, ...] = ()
    passage: str = ""
    grade: float = 1.0


@dataclass(frozen=True, slots=True)
class SetQuestion:
    """A question and what answers it.

    Attributes:
        targets: empty when nothing does.
        within: only this document is asked, when given.
    """

    id: str
    text: str
    targets: tuple[Target, ...]
    within: str | None = None


@dataclass(frozen=True)
class QuestionSet:
    """Documents and questions about them.

    Attributes:
        texts: documents that are made of text, by file name. files: those that lie in files.
        note: what was left out of a large set.
    """

    name: str
    questions: tuple[SetQuestion, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    note: str = ""

    def write(self, folder: Path) -> None:
        """Write the documents into a folder, as a user would have them."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.texts.items():
            (folder / name).write_text(text)
        for name, path in self.files.items():
            (folder / name).write_bytes(path.read_bytes())


def read_set(folder: Path, documents: int) -> QuestionSet:
    """Read a set of any of the four forms.

    Args:
        documents: of a BEIR set at most so many: all that are judged, and others by their hash.

    Raises:
        SystemExit: the folder holds none of them.
    """
    if (folder / "corpus.jsonl").exists():
        return _beir(folder, documents)
    if (folder / "questions_df.csv").exists():
        return _references(folder)
    if (folder / _QUESTIONS).exists():
        return _pages(folder)
    if (folder / _SAMPLES).exists():
        return _samples(folder)
    raise SystemExit(f"{folder}: neither corpus.jsonl nor questions_df.csv nor {_QUESTIONS}.")


def _beir(folder: Path, documents: int) -> QuestionSet:
    corpus = {each["_id"]: each for each in _lines(folder / "corpus.jsonl")}
    texts = {each["_id"]: each["text"] for each in _lines(folder / "queries.jsonl")}
    judged = _qrels(sorted(folder.glob("qrels/*.tsv")) + sorted(folder.glob("qrels*.tsv")))
    wanted = {doc for grades in judged.values() for doc in grades}
    others = sorted(corpus.keys() - wanted, key=_hash)[: max(0, documents - len(wanted))]
    names = {doc: f"{_hash(doc)[:16]}.md" for doc in sorted(wanted & corpus.keys()) + others}
    questions = [
        SetQuestion(
            query,
            texts[query],
            tuple(Target(names[d], grade=g) for d, g in grades.items() if g > 0 and d in names),
        )
        for query, grades in judged.items()
        if query in texts
    ]
    return QuestionSet(
        folder.name,
        tuple(each for each in questions if each.targets),
        texts={name: _document(corpus[doc]) for doc, name in names.items()},
        note=f"{len(names):,} of {len(corpus):,} documents" if len(names) < len(corpus) else "",
    )


def _document(row: Mapping[str, str]) -> str:
    title = row.get("title", "")
    return f"# {title}\n\n{row['text']}\n" if title else f"{row['text']}\n"


def _qrels(paths: Iterable[Path]) -> dict[str, dict[str, float]]:
    """Grades by question and document; the columns are BEIR's three or TREC's four."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for path in paths:
        for line in path.read_text().splitlines():
            columns = line.split("\t")
            if columns[-1].lstrip("-").isdigit():
                found[columns[0]][columns[-2]] = float(columns[-1])
    return found


def _references(folder: Path) -> QuestionSet:
    with (folder / "questions_df.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return QuestionSet(
        folder.name,
        tuple(
            SetQuestion(
                str(number),
                row["question"],
                tuple(
                    Target(f"{row['corpus_id']}.md", passage=reference["content"])
                    for reference in json.loads(row["references"])
                ),
            )
            for number, row in enumerate(rows)
        ),
        files={path.name: path for path in sorted((folder / "corpora").glob("*.md"))},
    )


def _pages(folder: Path) -> QuestionSet:
    questions = []
    for number, row in enumerate(_lines(folder / _QUESTIONS)):
        document, pages = row.get("document"), tuple(row.get("pages", ()))
        targets: tuple[Target, ...] = ()
        if document and (pages or row.get("passage")):
            targets = (Target(document, pages, row.get("passage", "")),)
        within = document if row.get("within") else None
        questions.append(SetQuestion(str(number), row["question"], targets, within))
    files = {
        path.name: path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != _QUESTIONS
    }
    return QuestionSet(folder.name, tuple(questions), files=files)


def _samples(folder: Path) -> QuestionSet:
    asked = yaml.safe_load((folder / _SAMPLES).read_text())
    questions = tuple(
        SetQuestion(
            str(number),
            each["question"],
            (
                Target(
                    each["document"], (each["page"],) if each.get("page") else (), each["passage"]
                ),
            ),
        )
        for number, each in enumerate(asked)
    )
    files = {path.name: path for path in sorted((folder / "files").iterdir()) if path.is_file()}
    return QuestionSet(folder.name, questions, files=files)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
