"""The benchmark of whole processes: its text, and how it measures a command."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks.contestants import peers
from benchmarks.corpus import LONGEST, SHORTEST
from benchmarks.processes import CommandFailed, measured
from benchmarks.real_corpus import TooLittleText, documents_of, manifest_of, write_real_corpus

DOCUMENTS = 5


def test_real_text_is_the_same_again_and_its_manifest_names_every_file(tmp_path: Path) -> None:
    """Twice the same bytes of 4 to 12 kB, whose hashes stand in the manifest beside them."""
    first = write_real_corpus(tmp_path / "first", DOCUMENTS)
    second = write_real_corpus(tmp_path / "second", DOCUMENTS)
    assert first == second
    noted = json.loads(manifest_of(tmp_path / "first").read_text())
    assert noted["sha256"] == first.sha256
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "first").iterdir()
    }
    assert {text["file"]: text["sha256"] for text in noted["texts"]} == found
    assert len(found) == DOCUMENTS
    assert all(SHORTEST <= text.bytes <= LONGEST for text in first.texts)


def test_texts_are_cut_at_blank_lines_and_lose_only_the_last_piece() -> None:
    """What stands in the documents are whole paragraphs in their order."""
    paragraphs = [f"Paragraph {number}. " + "word " * 60 for number in range(200)]
    cut = list(documents_of(["\n\n".join(paragraphs)], "some package"))
    found = [each.strip() for text in cut for each in text.split("\n\n")]
    assert found == [each.strip() for each in paragraphs[: len(found)]]
    assert len(found) > len(paragraphs) - LONGEST // 300


def test_too_little_text_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without the locked packages does not measure another corpus."""
    monkeypatch.setattr("benchmarks.real_corpus._packages", list)
    with pytest.raises(TooLittleText, match="make setup"):
        write_real_corpus(tmp_path / "none", 1)


def test_a_command_is_measured_with_its_children(tmp_path: Path) -> None:
    """Processor and memory of a child count, and what the command wrote is kept."""
    child = "b = bytearray(60_000_000)\nimport time\nt = time.process_time()\n"
    child += "while time.process_time() - t < 0.6: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('x')"
    found = measured([sys.executable, "-c", code], os.environ, tmp_path, lambda: None)
    assert found.output == "x\n"
    assert found.own_seconds >= 0.6
    assert found.largest_megabytes >= 57
    assert found.postgres_seconds == 0


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    """The end of its standard error stands in the exception."""
    command = [sys.executable, "-c", "import sys; sys.exit('no such corpus')"]
    with pytest.raises(CommandFailed, match="no such corpus"):
        measured(command, os.environ, tmp_path, lambda: None)


def test_every_peer_has_its_packages_pinned() -> None:
    """Another version of a peer would be another contestant."""
    folder = Path(__file__).parents[2] / "benchmarks" / "peers"
    assert peers() == ["cocoindex", "langchain", "pgai"]
    for name in peers():
        lines = (folder / name / "requirements.txt").read_text().splitlines()
        assert lines
        assert all("==" in line for line in lines)
