"""Finding files under what a person gives, and telling which cannot be taken."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.sources import FileContent, RejectedFile, examine, find_files, printable, storable

LIMIT = 10_000
NOBODY = 65534


def make(folder: Path, *names: str) -> None:
    """Files with some text in them."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"text of {name}", "utf-8")


def names(folder: Path, *given: str | Path) -> list[str]:
    """What is found, relative to the folder."""
    return [str(path.relative_to(folder)) for path in find_files(map(str, given)).files]


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder, seen by a user whom permissions bind."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    make(folder, "open/a.md", "closed/b.md", "c.md")
    (folder / "closed").chmod(0)
    (folder / "c.md").chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield folder
    if root:
        os.seteuid(0)
    (folder / "closed").chmod(0o755)
    shutil.rmtree(folder)


def test_pictures_of_a_folder_wait_for_somebody_who_reads_them(tmp_path: Path) -> None:
    """Left out and counted where nothing reads pictures, but for one that is named outright."""
    make(tmp_path, "a.md", "logo.png", "scan.TIFF")
    found = find_files([str(tmp_path)], pictures=False)
    assert [path.name for path in found.files] == ["a.md"]
    assert found.skipped == {".png": 1, ".tiff": 1}
    assert [path.name for path in found.pictures] == ["logo.png", "scan.TIFF"]
    named = find_files([str(tmp_path / "scan.TIFF")], pictures=False)
    assert [path.name for path in named.files] == ["scan.TIFF"]


def test_a_folder_gives_its_documents_in_order(tmp_path: Path) -> None:
    """Every known suffix in any case, at any depth; the others are counted."""
    make(tmp_path, "b.PDF", "a.md", "deep/er/c.docx", "x.exe", "y.exe", "noext", "z.html")
    found = find_files([str(tmp_path)])
    assert names(tmp_path, tmp_path) == ["a.md", "b.PDF", "deep/er/c.docx", "z.html"]
    assert found.skipped == {".exe": 2, "no suffix": 1}
    assert found.roots == (tmp_path,)
    assert all(path.is_absolute() for path in found.files)


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    """What an operating system or an editor hides is nobody's document."""
    make(tmp_path, ".hidden.md", ".git/a.md", "shown/.b.md", "shown/c.md")
    assert names(tmp_path, tmp_path) == ["shown/c.md"]


def test_a_file_named_outright_is_taken_whatever_its_name(tmp_path: Path) -> None:
    """Hidden, or of any suffix: the person said so."""
    make(tmp_path, ".hidden", "x.exe")
    assert names(tmp_path, tmp_path / ".hidden", tmp_path / "x.exe") == [".hidden", "x.exe"]


def test_globs_are_expanded_also_when_the_shell_did_not(tmp_path: Path) -> None:
    """Stars, double stars, folders among the matches; a name that looks like a glob is a name."""
    make(tmp_path, "a.md", "b.txt", "in/c.md", "in/deep/d.md", "odd[1].md")
    assert names(tmp_path, tmp_path / "*.txt") == ["b.txt"]
    assert names(tmp_path, tmp_path / "**/*.md") == ["a.md", "in/c.md", "in/deep/d.md", "odd[1].md"]
    assert names(tmp_path, tmp_path / "i*") == ["in/c.md", "in/deep/d.md"]
    assert names(tmp_path, tmp_path / "odd[1].md") == ["odd[1].md"]


def test_a_file_found_twice_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However its path is written, a file has one source."""
    make(tmp_path, "in/a.md", "other/b.md")
    monkeypatch.chdir(tmp_path / "in")
    spellings = ["a.md", "./a.md", "../in/a.md", str(tmp_path / "in/../in/a.md"), ".", "*.md"]
    assert names(tmp_path, *spellings) == ["in/a.md"]


def test_dots_after_a_link_lead_where_the_system_says(tmp_path: Path) -> None:
    """``link/..`` is the parent of what the link points to."""
    make(tmp_path, "real/deep/a.md", "real/b.md", "b.md")
    (tmp_path / "link").symlink_to(tmp_path / "real/deep")
    assert names(tmp_path, tmp_path / "link/../b.md") == ["real/b.md"]
    assert names(tmp_path, tmp_path / "link/a.md") == ["link/a.md"]


def test_links_in_a_folder(tmp_path: Path) -> None:
    """One that stays in the folder is a file; what leads out is not followed, nor is a circle."""
    make(tmp_path, "in/a.md", "in/.kept/c.md", "out/b.md")
    (tmp_path / "in/inside.md").symlink_to("a.md")
    (tmp_path / "in/current").symlink_to(".kept")
    (tmp_path / "in/file.md").symlink_to(tmp_path / "out/b.md")
    (tmp_path / "in/folder").symlink_to(tmp_path / "out")
    (tmp_path / "in/circle").symlink_to(tmp_path / "in")
    (tmp_path / "in/dangling.md").symlink_to(tmp_path / "nothing")
    found = find_files([str(tmp_path / "in")])
    assert [str(path.relative_to(tmp_path)) for path in found.files] == [
        "in/a.md", "in/current/c.md", "in/dangling.md", "in/inside.md"
    ]  # fmt: skip
    assert [link.path.name for link in found.passed_over] == ["circle", "file.md", "folder"]
    rejected = examine(tmp_path / "in/dangling.md", LIMIT)
    assert isinstance(rejected, RejectedFile)
    assert rejected.code == "file_missing"


@pytest.mark.parametrize(
    "path", ["missing.md", "no-*-match", "a" * 5000, "nul\x00.md", "~nobody-has-this-name/a.md"]
)
def test_a_path_that_names_nothing_is_wrong_use(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence that is safe to print, with a remedy."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        find_files([path])
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200
    assert caught.value.remedy


ODD = [
    "späce and ümlaut.md",
    "new\nline.md",
    "tab\t.md",
    "quote'\".md",
    "-rf.md",
    "%2e%2e.md",
    "\u202ecod.md",
    "\U0001f600.md",
    "a" * 250 + ".md",
]


def test_odd_names_are_files_like_others(tmp_path: Path) -> None:
    """They are found, hashed, storable as text, and shown without control characters."""
    make(tmp_path, *ODD)
    (tmp_path / os.fsdecode(b"latin-\xe9.md")).write_text("latin")
    found = find_files([str(tmp_path)]).files
    assert len(found) == len(ODD) + 1
    for path in found:
        content = examine(path, LIMIT)
        assert isinstance(content, FileContent)
        stored = storable(path)
        assert stored.encode("utf-8")
        assert "\x00" not in stored
        assert printable(stored).isprintable()
        assert len(printable(stored)) <= 120
    assert len({storable(path) for path in found}) == len(found)


def test_a_file_is_hashed_as_it_is(tmp_path: Path) -> None:
    """Hash and size are of the bytes, also over several blocks."""
    raw = os.urandom(2 * 1024 * 1024 + 17)
    (tmp_path / "a.pdf").write_bytes(raw)
    content = examine(tmp_path / "a.pdf", 10**9)
    assert content == FileContent(tmp_path / "a.pdf", hashlib.sha256(raw).hexdigest(), len(raw))


def test_a_file_over_the_limit_is_rejected_unread(tmp_path: Path) -> None:
    """At the limit it is taken, one byte more is too large; a sparse giant costs nothing."""
    (tmp_path / "full.md").write_bytes(b"x" * LIMIT)
    (tmp_path / "over.md").write_bytes(b"x" * (LIMIT + 1))
    with (tmp_path / "giant.pdf").open("wb") as file:
        file.truncate(10**13)
    assert isinstance(examine(tmp_path / "full.md", LIMIT), FileContent)
    for name in ("over.md", "giant.pdf"):
        rejected = examine(tmp_path / name, LIMIT)
        assert isinstance(rejected, RejectedFile)
        assert (rejected.code, bool(rejected.remedy)) == ("file_too_large", True)


def test_a_vanished_file_and_what_is_no_file_are_rejected(tmp_path: Path) -> None:
    """Gone since it was found, or a pipe that would never end: a reason, no waiting."""
    make(tmp_path, "a.md")
    [path] = find_files([str(tmp_path / "a.md")]).files
    path.unlink()
    os.mkfifo(tmp_path / "pipe.md")
    for each in (path, tmp_path / "pipe.md"):
        rejected = examine(each, LIMIT)
        assert isinstance(rejected, RejectedFile)
        assert rejected.code == "file_missing"


def test_what_may_not_be_read_is_said_and_the_rest_is_found(as_nobody: Path) -> None:
    """An unreadable file and an unreadable folder are each rejected by name."""
    found = find_files([str(as_nobody)])
    relative = [str(path.relative_to(as_nobody)) for path in found.files]
    assert relative == ["c.md", "closed", "open/a.md"]
    assert found.unreadable == (as_nobody / "closed",)
    results = [examine(path, LIMIT) for path in found.files]
    assert [getattr(each, "code", "taken") for each in results] == [
        "file_unreadable",
        "file_unreadable",
        "taken",
    ]


@pytest.mark.parametrize("name", ["~$main.docx", "~$rates.xlsx"])
def test_lock_files_are_passed_over(tmp_path: Path, name: str) -> None:
    """What Word and Excel leave beside an open document is no document, however it is named."""
    (tmp_path / "main.md").write_text("text")
    (tmp_path / name).write_bytes(b"\x05Anna" + bytes(157))
    for given in (
        [str(tmp_path)],
        [str(tmp_path / "*")],
        [str(tmp_path / "main.md"), str(tmp_path / name)],
    ):
        found = find_files(given)
        assert [path.name for path in found.files] == ["main.md"]
        assert found.skipped == {}


def test_what_insurers_have_is_taken_from_a_folder(tmp_path: Path) -> None:
    """E-mails, workbooks, tables, scans, presentations, archives and old Word files are taken."""
    names = {
        f"a{suffix}"
        for suffix in (
            ".eml", ".msg", ".xlsx", ".xls", ".xlsb", ".ods", ".csv", ".tsv", ".png", ".jpg",
            ".jpeg", ".tif", ".tiff", ".bmp", ".pptx", ".rtf", ".odt", ".doc", ".mht", ".mhtml",
            ".zip", ".PDF",
        )
    }  # fmt: skip
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "a.exe").write_bytes(b"x")
    found = find_files([str(tmp_path)])
    assert {path.name for path in found.files} == names
    assert found.skipped == {".exe": 1}
