"""Places of passages from stored texts: only where the text is the one that was searched."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from clients.storage.object_storage import Storage
from pipeline.citations import Citation
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.store.search import Passage
from stages import citing
from stages.citing import with_places
from stages.text_cache import TextCache

TEXT = "One.\n\nTwo about hail.\n\nThree."


def passage(start: int, end: int, *, key: str | None = "key", text: str | None = None) -> Passage:
    """A passage as a search finds it, cited without its place."""
    document, chunk = uuid4(), uuid4()
    cited = Citation(
        document, "a.md", "/a.md", 1, uuid4(), "hash", "text/markdown", "en", "", "", None,
        None, "2026-01-01", chunk, None, None, None, None, (), start, end, (), "other",
        (), (), "/o", "/p",
    )  # fmt: skip
    return Passage(
        1.0, document, "/a.md", "a.md", None, None, [], TEXT[start:end] if text is None else text,
        chunk, None, None, 1, "", "other", citation=cited, parsed_key=key,
    )  # fmt: skip


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    """A storage with nothing in it."""
    return Storage(tmp_path.as_uri())


def texts(*keys: str) -> TextCache:
    """The text, remembered under these keys."""
    cache = TextCache()
    for key in keys:
        cache.keep(key, ParsedDocument((ParsedPage(1, TEXT),), False, "test", "test"))
    return cache


def paragraph(found: Passage) -> int | None:
    """The paragraph that is cited."""
    assert found.citation is not None
    return found.citation.paragraph_first


async def test_places_come_from_the_text(storage: Storage) -> None:
    """Each passage is placed in its own document's text."""
    start = TEXT.index("Two")
    found = await with_places(
        [passage(start, start + 15), passage(0, 4)], "hail", storage, texts("key")
    )
    assert [paragraph(each) for each in found] == [2, 1]


async def test_another_versions_text_tells_no_place(storage: Storage) -> None:
    """A passage whose words do not stand at its offsets is of another text."""
    [found] = await with_places([passage(0, 4, text="Won.")], "hail", storage, texts("key"))
    assert paragraph(found) is None


async def test_what_a_correction_left_alone_keeps_its_place(storage: Storage) -> None:
    """Its words stand elsewhere then; where they stand twice, nothing is guessed."""
    start = TEXT.index("Three")
    moved = passage(start - 2, start + 3, text="Three.")
    twice = passage(0, 1, text="e.")
    found = await with_places([moved, twice], "hail", storage, texts("key"))
    assert [paragraph(each) for each in found] == [3, None]


@pytest.mark.parametrize("key", [None, "gone"])
async def test_a_text_that_is_not_there_tells_no_place(storage: Storage, key: str | None) -> None:
    """The passage stays as it is."""
    asked = passage(0, 4, key=key)
    assert await with_places([asked], "hail", storage, texts("key")) == [asked]


async def test_only_so_many_texts_are_read(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best passages are placed; those of further documents are not."""
    monkeypatch.setattr(citing, "MOST_TEXTS", 2)
    asked = [passage(0, 4, key=key) for key in ("a", "b", "a", "c")]
    found = await with_places(asked, "hail", storage, texts("a", "b", "c"))
    assert [paragraph(each) for each in found] == [1, 1, 1, None]
