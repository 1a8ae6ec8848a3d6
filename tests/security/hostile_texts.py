"""Small files that have made a reader of texts slow, each the seed of a kind."""

from __future__ import annotations

import io
import zipfile


def archive_of(names: int) -> bytes:
    """A ZIP archive of so many empty files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(names):
            archive.writestr(str(number), b"")
    return out.getvalue()


HOSTILE: dict[str, bytes] = {
    # of 440 bytes: it stopped the API for good
    "comments.txt": b"<!---->" * 60 + b"x",
    "comments.html": b"<!---->" * 60 + b"x",
    "spaced-comments": b"<!-- -->\n \t" * 5_000 + b"x",
    "comments-within.md": b"<!--<!---->-->" * 4_000 + b"x",
    "open-comments.htm": b"<!--" * 20_000,
    "declarations.xml.txt": b"<?xml " * 15_000 + b"?>",
    "doctype.html": b"<!doctype" + b" " * 60_000 + b"x",
    "headers.eml": b"From: a\nReceived:" + b" a:" * 20_000,
    "header-lines": b"A-B: c\n" * 9_000,
    "marks.txt": ("a" + "\u0301\u0323" * 30_000).encode(),
    "halfwidth-marks.md": ("a" + "\uff9e\u0301" * 30_000).encode(),
    "rules.md": b"a\n" + b"-" * 60_000 + b"x\n",
    "rows.md": b"| - |\n" + b"|" + b"- " * 30_000 + b"x",
    "fences.md": b"```\n" * 15_000,
    "data.md": b"data:;" * 10_000 + b"![](data:a/b;base64," * 2_000,
    "brackets.md": b"[^" * 30_000,
    "headings.md": b"# A: \n" * 5_000 + b"# " + b": " * 30_000 + b"a\n",
    "codes.md": b"# " + b"A" * 60_000 + b"1a\n",
    "pdf-marks.txt": b"%PDF-" * 12_000,
    "zips.txt": b"PK\x03\x04" * 15_000,
    "names.zip": archive_of(600),
    "ole.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff\xff\xff\x7f" * 12_000,
    "quotes.csv": b'a,"' * 20_000,
    "tags.html": b"<html>" + b"<b><i><table><td" * 3_000,
    "groups.rtf": b"{\\rtf1 " + b"{\\b " * 400 + b"x",
}
