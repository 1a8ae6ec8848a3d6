"""Files that are left out of a folder, by an option and by files in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.ignore_rules import FILE_NAME
from pipeline.presence import is_gone
from pipeline.sources import find_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Policies, with drafts and copies between them."""
    for name in (
        "home.md", "copy of home.md", "drafts/home.md", "drafts/final.md", "2025/car.md",
        "2025/old/car.md", "2025/old/bike.md",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# A policy\n\nIt covers fire.\n")
    return tmp_path


def names(folder: Path, exclude: Sequence[str] = ()) -> list[str]:
    """What is found, relative to the folder."""
    found = find_files([str(folder)], exclude=exclude)
    return [path.relative_to(folder).as_posix() for path in found.files]


def test_patterns_of_the_option_count_from_the_named_folder(folder: Path) -> None:
    """As in gitignore: a folder with all that is in it, a name anywhere, an exception."""
    assert names(folder, ["drafts/", "copy*"]) == [
        "2025/car.md", "2025/old/bike.md", "2025/old/car.md", "home.md",
    ]  # fmt: skip
    assert names(folder, ["/2025/old/*", "!bike.md", "drafts", "copy*"]) == [
        "2025/car.md", "2025/old/bike.md", "home.md",
    ]  # fmt: skip
    assert find_files([str(folder)], exclude=["drafts/", "copy*"]).excluded == 2


def test_a_file_in_a_folder_counts_from_there(folder: Path) -> None:
    """Inner files decide before outer ones, and those before the option."""
    (folder / FILE_NAME).write_text("# not to be searched\ndrafts/\ncar.md\n")
    (folder / "2025" / FILE_NAME).write_text("!car.md\n/old/bike.md\n")
    assert names(folder) == ["2025/car.md", "2025/old/car.md", "copy of home.md", "home.md"]
    assert "2025/car.md" in names(folder, ["car.md"])


def test_what_is_named_outright_is_taken(folder: Path) -> None:
    """A person who names a file means it; of what a glob matches, patterns leave out."""
    one = find_files([str(folder / "drafts" / "home.md")], exclude=["drafts/", "*.md"])
    assert [path.name for path in one.files] == ["home.md"]
    some = find_files([str(folder / "*.md")], exclude=["copy*"])
    assert [path.name for path in some.files] == ["home.md"]


@pytest.mark.parametrize(
    "pattern", ["*a*b*c*d", "a" * 1001, "a/**/b/**/c/**/d/**"], ids=["stars", "long", "folders"]
)
def test_a_pattern_that_could_take_long_is_refused(folder: Path, pattern: str) -> None:
    """In one sentence, from the option and from a file."""
    with pytest.raises(UsageError, match="A pattern of --exclude has more than 3 stars"):
        names(folder, [pattern])
    (folder / "drafts" / FILE_NAME).write_text(pattern)
    with pytest.raises(UsageError, match=r"drafts/\.navigatorignore has more than 3 stars"):
        names(folder)


def test_a_file_that_cannot_be_read_is_said(folder: Path) -> None:
    """What it would leave out is not taken in by mistake."""
    (folder / FILE_NAME).mkdir()
    with pytest.raises(UsageError, match=r"\.navigatorignore cannot be read"):
        names(folder)


def test_what_is_left_out_is_not_gone(folder: Path) -> None:
    """`--sync` deletes what has nothing at its path, whatever the patterns say."""
    assert not is_gone(str(folder / "drafts" / "home.md"))
