"""What one parse may cost."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """The limits of one parse, and whether pictures of pages are read.

    Attributes:
        timeout_seconds: wall time for one document in a worker.
        memory_bytes: resident memory that a worker may reach with one document.
        max_pages: pages of a PDF; more are refused before any is parsed.
        max_file_bytes: size of the file itself.
        ocr: read scanned pages with tesseract's data, when it is installed.
        layout: look for headings and tables in a PDF; off, the words alone are read.
        tessdata_path: folder of ``eng.traineddata``; None looks in the usual places.
    """

    timeout_seconds: float = 60.0
    memory_bytes: int = 1536 * MIB
    max_pages: int = 5000
    max_file_bytes: int = 512 * MIB
    ocr: bool = False
    layout: bool = True
    tessdata_path: str | None = None
