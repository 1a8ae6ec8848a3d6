"""Options and limits of one parse."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """The limits of one parse, and whether pictures of pages are read.

    Attributes:
        timeout_seconds: processor time for one document in a worker, beside its pages.
        page_seconds: what each page of a PDF adds to it; with OCR, `ocr_page_seconds` instead.
        memory_bytes: resident memory that a worker may reach with one document.
        max_pages: pages of a PDF; more are refused before any is parsed.
        max_file_bytes: size of the file itself.
        ocr: read scanned pages with tesseract's data, when it is installed.
        ocr_languages: by tesseract's names, joined by ``+``.
        layout: look for headings and tables in a PDF; off, the words alone are read.
        tessdata_path: folder of the ``….traineddata``; None looks in the usual places.
        passwords: tried on a file that is encrypted; handed over with the file, never kept.
    """

    timeout_seconds: float = 60.0
    page_seconds: float = 0.5
    ocr_page_seconds: float = 10.0
    memory_bytes: int = 1536 * MIB
    max_pages: int = 5000
    max_file_bytes: int = 512 * MIB
    ocr: bool = False
    ocr_languages: str = "eng"
    layout: bool = True
    tessdata_path: str | None = None
    passwords: tuple[str, ...] = ()
