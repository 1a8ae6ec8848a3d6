"""OCR of pictures of pages with tesseract's data, in the languages of the settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.parsing.options import ParseOptions

_TESSDATA = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)


def find_tessdata(configured: str | None, languages: str = "eng") -> str | None:
    """The folder with the data of all `languages`, e.g. ``eng+deu``; None when there is none."""
    wanted = languages.split("+")
    for folder in _candidates(configured):
        if all((folder / f"{each}.traineddata").is_file() for each in wanted):
            return str(folder)
    return None


def installed_languages(configured: str | None = None) -> list[str]:
    """The languages that tesseract's data is installed for, by its own three-letter names."""
    found = {
        path.stem for folder in _candidates(configured) for path in folder.glob("*.traineddata")
    }
    return sorted(found - {"osd", "equ"})


def why_not(options: ParseOptions) -> str | None:
    """Why pictures cannot be read, as the end of a sentence; None when they can."""
    if find_tessdata(options.tessdata_path, options.ocr_languages) is not None:
        return None
    installed = installed_languages(options.tessdata_path)
    if not installed:
        return "tesseract's data is not installed"
    missing = [each for each in options.ocr_languages.split("+") if each not in installed]
    said = ", ".join(missing) or options.ocr_languages
    return f"tesseract's data for {said} is not installed (there is: {', '.join(installed)})"


def _candidates(configured: str | None) -> Iterator[Path]:
    if configured is not None:
        yield Path(configured)
        return
    if prefix := os.environ.get("TESSDATA_PREFIX"):
        yield from (Path(prefix), Path(prefix) / "tessdata")
    for pattern in _TESSDATA:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
