"""Roots: what a worker's run may read is inside the folders that the operator named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.roots import OutsideRoots, named_roots, require_files_inside, require_paths_inside
from pipeline.sources import find_files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A root with a document and a folder, beside what is not the run's."""
    for name in ("data/in/policy.md", "data2/other.md", "secret/key.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# A document\n\nIts text.\n")
    return tmp_path / "data"


@pytest.mark.parametrize("given", ["", "in", "in/policy.md", "in/*.md", "*/policy.md", "**/*.md"])
def test_what_lies_inside_is_taken(data: Path, given: str) -> None:
    """A root itself, its folders and files, and wildcards in it."""
    path = str(data / given) if given else str(data)
    require_paths_inside([path], (data,))
    found = find_files([path])
    require_files_inside(found, (data,))
    assert [each.name for each in found.files] == ["policy.md"]


@pytest.mark.parametrize(
    "given",
    [
        "../secret/key.md", "in/../../secret", "../data2/other.md", "../data2", "..",
        "*/../../secret/*.md", "../secre?/key.md", "../data*/other.md", "in/../../*/key.md",
        "/", "/etc/passwd", "/proc/self/environ", "/*", "~", "~root/x", "~/x", "\0", "",
    ],
)  # fmt: skip
def test_what_lies_outside_is_refused(data: Path, given: str) -> None:
    """Ways up, names that only begin alike, wildcards, other places; also beside a good path."""
    path = given if given.startswith(("/", "~")) or not given.strip("\0") else f"{data}/{given}"
    with pytest.raises(OutsideRoots, match="leads out of the folders"):
        require_paths_inside([str(data), path], (data,))


def test_what_is_there_is_not_told(data: Path) -> None:
    """What exists outside and what does not are refused in the same words, without its name."""
    told = set()
    for name in ("secret/key.md", "secret/none.md"):
        with pytest.raises(OutsideRoots) as refused:
            require_paths_inside([str(data.parent / name)], (data,))
        told.add((str(refused.value), refused.value.remedy))
    assert len(told) == 1
    assert "NAVIGATOR_INGEST_ROOTS" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("kind", ["file", "folder", "chain", "loop"])
def test_links_count_as_what_they_point_to(data: Path, kind: str) -> None:
    """A link that leads out is refused when it is named or followed, else passed over."""
    link, secret = data / "in" / "link.md", data.parent / "secret"
    if kind == "file":
        link.symlink_to(secret / "key.md")
    elif kind == "folder":
        (data / "way").symlink_to(secret)
        link = data / "way" / "key.md"
    elif kind == "chain":
        (data / "step.md").symlink_to(secret / "key.md")
        link.symlink_to(data / "step.md")
    else:
        link.symlink_to(link)
    with pytest.raises(OutsideRoots):
        require_paths_inside([str(link)], (data,))
    with pytest.raises(OutsideRoots, match="A link leads out"):
        require_files_inside(find_files([str(link)], follow_links=True), (data,))
    if kind in ("file", "chain"):
        with pytest.raises(OutsideRoots, match="A link leads out"):
            require_files_inside(find_files([str(data)], follow_links=True), (data,))
        assert all(each.name != "link.md" for each in find_files([str(data)]).files)
    if kind == "folder":
        with pytest.raises(OutsideRoots, match="A link leads out"):
            found = find_files([f"{data}/*/*.md"], follow_links=True)
            require_files_inside(found, (data,))
        assert not any("way" in each.parts for each in find_files([f"{data}/*/*.md"]).files)


def test_links_inside_are_taken(data: Path) -> None:
    """A link from one place of the roots to another leads nowhere else."""
    (data / "again.md").symlink_to(data / "in" / "policy.md")
    require_paths_inside([str(data / "again.md")], (data,))
    require_files_inside(find_files([str(data)], follow_links=True), (data,))


def test_a_root_may_be_a_link(data: Path, tmp_path: Path) -> None:
    """A root is resolved when it is read, so that it may itself be a link, or lie below one."""
    (tmp_path / "alias").symlink_to(data)
    roots = named_roots(str(tmp_path / "alias"))
    for path in (tmp_path / "alias" / "in", data / "in"):
        require_paths_inside([str(path)], roots)


def test_roots_are_named(tmp_path: Path) -> None:
    """None until named; several by the system's separator; only absolute ones."""
    assert named_roots("") == named_roots(f" {os.pathsep} ") == ()
    both = named_roots(f"{tmp_path}/a{os.pathsep}{tmp_path}/b{os.pathsep}")
    assert both == (tmp_path / "a", tmp_path / "b")
    for relative in (".", "data", "~/data"):
        with pytest.raises(UsageError, match="not absolute"):
            named_roots(relative)


def test_without_roots_nothing_is_taken(data: Path) -> None:
    """A worker whose operator named no folder takes no file in, and says what to set."""
    with pytest.raises(OutsideRoots, match="may take no files in by their paths"):
        require_paths_inside([str(data)], ())
