"""The sample documents and their questions agree with their sources and with each other."""

from __future__ import annotations

import re
import shutil
from functools import cache
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
import yaml
from docx import Document

from samples.make_samples import CONTENT, FILES, SAMPLES, make_samples
from samples.rendering.source import SOURCE_SUFFIX

SCANNED = "disability-certificate-scanned.pdf"
BROKEN = "umbrella-policy-broken.pdf"
ENCRYPTED = "workers-compensation-encrypted.pdf"
NAMES = sorted(path.name.removesuffix(SOURCE_SUFFIX) for path in CONTENT.iterdir())
QUESTIONS: list[dict[str, Any]] = yaml.safe_load((SAMPLES / "questions.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    make_samples(folder)
    return folder


@cache
def pages_of(name: str) -> tuple[str, ...]:
    """The text of a sample, page by page, with single spaces."""
    raw = (FILES / name).read_bytes()
    match Path(name).suffix:
        case ".pdf":
            texts = pdf_pages(raw)
        case ".docx":
            texts = [docx_text(raw)]
        case ".html":
            texts = [unescape(re.sub(r"<[^>]+>", " ", raw.decode()))]
        case _:
            texts = [raw.decode("cp1252")]
    return tuple(" ".join(text.split()) for text in texts)


def pdf_pages(raw: bytes) -> list[str]:
    with pypdfium2.PdfDocument(raw) as document:
        return [page.get_textpage().get_text_range() for page in document]


def docx_text(raw: bytes) -> str:
    word = Document(BytesIO(raw))
    cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in word.paragraphs] + cells)


def test_every_source_has_its_committed_file_and_nothing_else_lies_there() -> None:
    """The folder of files holds exactly what the sources describe, in less than 3 MB."""
    files = sorted(FILES.iterdir())
    assert [path.name for path in files] == NAMES
    assert 12 <= len(files) <= 15
    assert sum(path.stat().st_size for path in files) < 3_000_000


@pytest.mark.parametrize("name", [name for name in NAMES if name != SCANNED])
def test_a_file_is_made_again_byte_for_byte(regenerated: Path, name: str) -> None:
    """A committed file equals what its source makes today."""
    assert (regenerated / name).read_bytes() == (FILES / name).read_bytes()


def test_the_scan_is_made_again_to_the_eye(regenerated: Path) -> None:
    """The committed scan shows the same pages; renderers may differ in single pixels."""
    for made, committed in zip(
        pictures(regenerated / SCANNED), pictures(FILES / SCANNED), strict=True
    ):
        assert float(np.abs(made - committed).mean()) < 2.0
        assert committed.min() < 50 < 200 < committed.mean()


def pictures(path: Path) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.render(grayscale=True).to_numpy().astype(float) for page in document]


def test_two_runs_on_one_machine_make_the_same_bytes(regenerated: Path, tmp_path: Path) -> None:
    """Nothing in a file depends on the time or place of the run, the scan included."""
    for path in make_samples(tmp_path):
        assert path.read_bytes() == (regenerated / path.name).read_bytes(), path.name
    shutil.rmtree(tmp_path)


def test_the_scan_has_no_text_layer() -> None:
    """The scanned sample has pages and not one character."""
    assert pages_of(SCANNED) == ("", "")


def test_the_broken_file_looks_like_a_pdf_and_cannot_be_opened() -> None:
    """The broken sample begins as a PDF does, and a reader refuses it."""
    assert (FILES / BROKEN).read_bytes().startswith(b"%PDF-")
    with pytest.raises(pypdfium2.PdfiumError, match="Data format"):
        pypdfium2.PdfDocument(FILES / BROKEN)


def test_the_encrypted_file_opens_with_its_password_only() -> None:
    """The encrypted sample is sound: it wants the password that the README names."""
    with pytest.raises(pypdfium2.PdfiumError, match="Incorrect password"):
        pypdfium2.PdfDocument(FILES / ENCRYPTED)
    with pypdfium2.PdfDocument(FILES / ENCRYPTED, password="lantern") as document:
        assert len(document) == 2


def test_the_flood_notice_is_not_utf8() -> None:
    """The notice is windows-1252 with accents, and its lines end as Windows ends them."""
    raw = (FILES / "flood-exclusion-notice.txt").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        raw.decode()
    assert "Saint-Côme" in raw.decode("cp1252")
    assert raw.count(b"\n") == raw.count(b"\r\n")


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_names_every_file(name: str) -> None:
    """A reader of the README learns what each file is."""
    assert f"`{name}`" in (SAMPLES / "README.rst").read_text("utf-8")


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: asked["passage"])
def test_a_questions_passage_stands_once_where_it_is_said_to(asked: dict[str, Any]) -> None:
    """The passage is in the document once, on the named page, and so is the heading."""
    pages = pages_of(asked["document"])
    found = [number for number, text in enumerate(pages, 1) if asked["passage"] in text]
    assert sum(text.count(asked["passage"]) for text in pages) == 1
    assert found == [asked.get("page", 1)]
    assert asked.get("heading", "") in " ".join(pages)


def test_the_questions_cover_every_readable_document() -> None:
    """Each of the twelve publishable documents is asked about, some in other words or by row."""
    assert {asked["document"] for asked in QUESTIONS} == set(NAMES) - {SCANNED, BROKEN, ENCRYPTED}
    tags = [tag for asked in QUESTIONS for tag in asked.get("tags", [])]
    assert tags.count("hard") >= 6
    assert tags.count("table") >= 4
    assert set(tags) == {"hard", "table"}
