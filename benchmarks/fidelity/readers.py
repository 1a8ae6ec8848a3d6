"""The readers that are compared: a PDF's bytes to the Markdown or text of each page."""

from __future__ import annotations

import contextlib
import io
import subprocess
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

Read = Callable[[bytes], list[str]]


def ours(content: bytes) -> list[str]:
    """The local parser, with the running lines that it keeps apart."""
    from pipeline.parsing.local import parse_bytes
    from pipeline.parsing.media import MediaType
    from pipeline.parsing.options import ParseOptions

    document = parse_bytes(content, MediaType.PDF, ParseOptions())
    return ["\n".join((page.text, *getattr(page, "furniture", ()))) for page in document.pages]


def liteparse(content: bytes) -> list[str]:
    """The layout reader's own Markdown, without what we do with its words and lines."""
    import liteparse as reader

    parser = reader.LiteParse(
        ocr_enabled=False,
        keep_headers_footers=True,
        output_format="markdown",
        image_mode="off",
        max_pages=10**6,
        quiet=True,
    )
    return [page.markdown for page in parser.parse(content).pages]


def pdfplumber(content: bytes) -> list[str]:
    """pdfplumber's text, and its tables by ruled lines as Markdown."""
    import pdfplumber as reader

    pages = []
    with reader.open(io.BytesIO(content)) as document:
        for page in document.pages:
            rows = [
                "| " + " | ".join(" ".join((cell or "").split()) for cell in row) + " |"
                for table in page.extract_tables()
                for row in table
            ]
            pages.append("\n".join([page.extract_text() or "", *rows]))
    return pages


def unstructured(content: bytes) -> list[str]:
    """unstructured's fast strategy."""
    from unstructured.partition.pdf import partition_pdf

    pages: dict[int, list[str]] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for element in partition_pdf(file=io.BytesIO(content), strategy="fast"):
            pages.setdefault(element.metadata.page_number or 1, []).append(element.text)
    return ["\n\n".join(pages[number]) for number in sorted(pages)]


def docling(content: bytes) -> list[str]:
    """docling's Markdown; its models must be on this machine."""
    from docling.datamodel.base_models import DocumentStream
    from docling.document_converter import DocumentConverter

    stream = DocumentStream(name="document.pdf", stream=io.BytesIO(content))
    return [DocumentConverter().convert(stream).document.export_to_markdown()]


def markitdown(content: bytes) -> list[str]:
    """markitdown's Markdown."""
    from markitdown import MarkItDown

    return [MarkItDown().convert_stream(io.BytesIO(content), file_extension=".pdf").text_content]


READERS: dict[str, Read] = {
    "ours": ours,
    "liteparse": liteparse,
    "pdfplumber": pdfplumber,
    "unstructured": unstructured,
    "docling": docling,
    "markitdown": markitdown,
}


def installed(name: str) -> bool:
    """Whether a reader can run here."""
    return name == "ours" or find_spec(name) is not None


def pdftotext(content: bytes) -> list[str] | None:
    """The pages as poppler's pdftotext reads them, in the order of the file; None without it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document.pdf"
        path.write_bytes(content)
        try:
            done = subprocess.run(
                ["pdftotext", "-raw", str(path), "-"], capture_output=True, check=False
            )
        except FileNotFoundError:
            return None
    pages = done.stdout.decode("utf-8", "replace").split("\f")
    return pages[:-1] if pages and not pages[-1].strip() else pages
