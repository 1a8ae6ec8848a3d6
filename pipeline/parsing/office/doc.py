"""Parses DOC of Word before 2007: LibreOffice converts it to DOCX, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.options import ParseOptions

_PROGRAMS = ("soffice", "libreoffice")
_MAC = "/Applications/LibreOffice.app/Contents/MacOS/soffice"


def as_docx(content: bytes, options: ParseOptions) -> bytes:
    """The same document as DOCX.

    Raises:
        ParseError: UNSUPPORTED_TYPE without LibreOffice, BROKEN when it cannot read the file.
    """
    program = next((found for each in _PROGRAMS if (found := shutil.which(each))), None)
    if program is None and Path(_MAC).exists():
        program = _MAC
    if program is None:
        message = (
            "It is a Word document from before 2007, which is read only where LibreOffice is "
            "installed: install LibreOffice, or save it as DOCX."
        )
        raise ParseError(ParseCode.UNSUPPORTED_TYPE, message)
    with tempfile.TemporaryDirectory(prefix="navigator-") as folder:
        return _converted(program, content, Path(folder), options)


def _converted(program: str, content: bytes, folder: Path, options: ParseOptions) -> bytes:
    source, made = folder / "document.doc", folder / "out" / "document.docx"
    source.write_bytes(content)
    # a profile of its own: another LibreOffice of this user would take the call and end it
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [
        program, profile, "--headless", "--norestore", "--nolockcheck", "--nodefault",
        "--convert-to", "docx:MS Word 2007 XML", "--outdir", str(made.parent), str(source),
    ]  # fmt: skip
    try:
        subprocess.run(  # noqa: S603 — a fixed program over a file of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder)},
            timeout=max(10.0, options.timeout_seconds),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = "LibreOffice took too long to convert the Word document."
        raise ParseError(ParseCode.TIMEOUT, message) from error
    if not made.is_file():
        message = "LibreOffice could not convert the Word document; it may be damaged or locked."
        raise ParseError(ParseCode.BROKEN, message)
    return made.read_bytes()
