"""Arguments with bytes that are no UTF-8: paths name their files, everything else is a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.app.navigating import Navigator

ODD = os.fsdecode(b"t\xe9")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("search", "theft", "--tag", ODD), 3),
        (("list", "--tag", ODD), 0),
        (("report", "--no-open", "--run", ODD), 2),
        (("status", ODD), 2),
        (("delete", "--yes", ODD), 2),
        (("plan", ODD), 2),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_odd_bytes_are_never_unforeseen(
    corpus: Navigator, arguments: tuple[str, ...], code: int
) -> None:
    """A command takes them, or says in a sentence that there is no such thing."""
    ended = corpus.here(*arguments)
    assert ended.code == code, ended.err
    assert "unforeseen" not in ended.err


@pytest.mark.long
def test_a_folder_with_an_odd_name_is_ingested(navigator: Navigator, tmp_path: Path) -> None:
    """By its own name and by that of its file, with a tag that is no UTF-8 either."""
    folder = tmp_path / ODD
    folder.mkdir()
    file = folder / f"{ODD}.md"
    file.write_text("Equine mortality cover ends at the age of twelve.\n")
    done = navigator("ingest", folder, file, "--tag", ODD, "--user", "odd", "--json")
    assert done.code == 0, done.err
    assert [each["status"] for each in done.json["documents"]] == ["published"]
    found = navigator.here("search", "equine", "--tag", ODD, "--user", "odd", "--json")
    assert len(found.json["passages"]) == 1
