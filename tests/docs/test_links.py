"""Links and paths of the documentation lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.rooms import ROOMS, ROOT

PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "deployments" / "README.md"]
)
_FENCE = re.compile(r"^```.*?^```", re.M | re.S)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_PATH = re.compile(rf"(?:{'|'.join((*ROOMS, 'tests', 'docs', 'samples', 'benchmarks'))})/[\w./-]+")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """What a link may name after the `#`: each heading as GitHub makes an anchor of it."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def broken(page: Path) -> Iterator[str]:
    """The relative links of a page that lead nowhere."""
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


def test_every_relative_link_leads_to_a_file_and_a_heading() -> None:
    """A reader who follows a link of the documentation arrives."""
    assert [(page, link) for page in PAGES for link in broken(page)] == []


def test_every_path_in_the_text_exists() -> None:
    """A file or folder of the tree that a page names between backticks is there."""
    # The changelog tells of folders as they were.
    assert [
        (page, named)
        for page in PAGES
        if page.name != "CHANGELOG.md"
        for named in _CODE.findall(prose(page))
        if _PATH.fullmatch(named) and not (ROOT / named).exists()
    ] == []


def test_every_name_in_a_file_is_there() -> None:
    """What a page says to be in a file, as "`NAME` in `path`", is in it."""
    assert [
        (page, name, path)
        for page in PAGES
        for name, path in re.findall(r"`([\w.]+)` in `([\w./-]+\.\w+)`", prose(page))
        if name not in (ROOT / path).read_text("utf-8")
    ] == []


def test_the_readme_is_short_and_lists_every_page() -> None:
    """The README has at most 150 lines, and each page of docs/ stands in it."""
    readme = ROOT / "README.md"
    assert len(readme.read_text("utf-8").splitlines()) <= 150
    listed = {(ROOT / link.partition("#")[0]) for link in _LINK.findall(prose(readme))}
    assert set((ROOT / "docs").glob("*.md")) <= listed


def test_the_index_lists_every_decision() -> None:
    """Each record in docs/decisions stands in its index, with its title."""
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text("utf-8")
    for record in folder.glob("0*.md"):
        title = record.read_text("utf-8").splitlines()[0].partition(": ")[2]
        assert f"({record.name}): {title}\n" in index, record.name
