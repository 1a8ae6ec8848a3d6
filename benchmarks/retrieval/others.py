"""Has other libraries answer the same questions, in an environment of their own.

They get the same documents (a PDF page by page, as their loaders give it, read by pypdfium2) and
the vectors of the same embedder for their own chunks.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval import contestants
from benchmarks.retrieval.scores import Ranked
from benchmarks.retrieval.sets import QuestionSet, SetQuestion

_BATCH = 64


def answers(
    python: Path, question_set: QuestionSet, questions: Sequence[SetQuestion], folder: Path
) -> dict[str, list[list[Ranked]]]:
    """Each contestant's ranked passages for each question.

    Args:
        python: of the environment with the libraries. folder: for what is exchanged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "documents.json", list(_documents(question_set)))
    _write(folder / "questions.json", [{"id": q.id, "text": q.text} for q in questions])
    _run(python, "cut", folder)
    np.save(folder / "questions.npy", _vectors([each.text for each in questions]))
    for path in folder.glob("*/chunks.json"):
        texts = [each["text"] for each in json.loads(path.read_text())["chunks"]]
        np.save(path.with_name("vectors.npy"), _vectors(texts))
    _run(python, "rank", folder)
    return {
        json.loads(path.with_name("chunks.json").read_text())["name"]: _ranked(path)
        for path in sorted(folder.glob("*/ranked.json"))
    }


def _documents(question_set: QuestionSet) -> Iterator[dict[str, Any]]:
    for name, text in question_set.texts.items():
        yield {"document": name, "page": 0, "text": text}
    for name, path in question_set.files.items():
        if path.suffix == ".pdf":
            for number, text in enumerate(_pages(path), 1):
                yield {"document": name, "page": number, "text": text}
        else:
            yield {"document": name, "page": 0, "text": path.read_text()}


def _pages(path: Path) -> Iterator[str]:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as pdf:
        for page in pdf:
            yield page.get_textpage().get_text_bounded()


def _vectors(texts: Sequence[str]) -> Any:
    return asyncio.run(_embedded(texts))


async def _embedded(texts: Sequence[str]) -> Any:
    from pipeline.settings import load_settings
    from pipeline.text import fold, normalize
    from stages.services import open_embedder

    embedder = await open_embedder(load_settings())
    clean = [fold(normalize(text).text) or "-" for text in texts]
    parts = [
        (await embedder.embed(clean[start : start + _BATCH])).vectors
        for start in range(0, len(clean), _BATCH)
    ]
    await embedder.close()
    return np.vstack(parts)


def _run(python: Path, what: str, folder: Path) -> None:
    command = [str(python), str(Path(contestants.__file__)), what, str(folder)]
    subprocess.run(command, check=True)


def _ranked(path: Path) -> list[list[Ranked]]:
    chunks = json.loads(path.with_name("chunks.json").read_text())["chunks"]
    passages = [
        Ranked(each["document"], each["text"], each["page"], each["page"]) for each in chunks
    ]
    return [[passages[n] for n in row] for row in json.loads(path.read_text())]


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))
