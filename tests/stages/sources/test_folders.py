"""A folder as a source: a file whose stamp is as it was is not opened again."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import copytree, move
from uuid import uuid4

import pytest

from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.source_definition import SourceDefinition
from tests.flows.corpus import Opener, policy, query
from tests.ingesting import ingest
from tests.reading_sources import add, read

ANNA = user_id("anna")
_SOURCES = "SELECT id, source FROM upload_pipeline.documents WHERE deleted_at IS NULL"


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are a moment old are taken for settled."""
    monkeypatch.setattr("clients.sources.folder._SETTLED_NANOSECONDS", 0)


@pytest.fixture
def inbox(folder: Path) -> SourceDefinition:
    """The folder as a source of Anna's."""
    return SourceDefinition(str(folder), ANNA, uuid4(), "inbox")


@pytest.mark.usefixtures("settled")
async def test_only_changed_files_are_read(
    local: Opener, folder: Path, inbox: SourceDefinition
) -> None:
    """The second run opens nothing, the third only the file that was written."""
    policy(folder, "a")
    policy(folder, "b")
    async with local() as services:
        inbox = await add(services, inbox)
        first = await read(services, inbox)
        second = await read(services, inbox)
        policy(folder, "b", sections=4)
        third = await read(services, inbox)
    assert sorted(first.downloaded) == ["a.md", "b.md"]
    assert second.downloaded == []
    assert third.downloaded == ["b.md"]


async def test_a_file_that_was_just_written_is_read_once_more(
    local: Opener, folder: Path, inbox: SourceDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could change again under the same time; nothing of it is done twice."""
    monkeypatch.setattr("clients.sources.folder._SETTLED_NANOSECONDS", 10**15)
    policy(folder, "a")
    async with local() as services:
        inbox = await add(services, inbox)
        await read(services, inbox)
        again = await read(services, inbox)
        jobs = await query(services, "SELECT count(*) AS n FROM upload_pipeline.upload_jobs")
    assert again.downloaded == ["a.md"] and again.counts["unchanged"] == 1
    assert jobs[0]["n"] == 1


@pytest.mark.usefixtures("settled")
async def test_a_folder_and_its_source_have_the_same_documents(
    local: Opener, folder: Path, inbox: SourceDefinition
) -> None:
    """What `navigator ingest` took in is not made anew by the source, and the other way round."""
    policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        before = await query(services, _SOURCES)
        told = await read(services, await add(services, inbox))
        assert await query(services, _SOURCES) == before
    assert told.counts["new"] == 0


@pytest.mark.usefixtures("settled")
async def test_names_that_are_no_text_are_kept_and_go(
    local: Opener, folder: Path, inbox: SourceDefinition
) -> None:
    """A name with bytes that are no UTF-8 is taken in, and goes when it went."""
    policy(folder, "a")
    odd = policy(folder, "b").rename(folder / os.fsdecode(b"b\xff.md"))
    async with local() as services:
        inbox = await add(services, inbox)
        await read(services, inbox)
        later = await read(services, inbox)
        assert later.asked == []
        odd.unlink()
        gone = await read(services, inbox)
    assert gone.counts["deleted"] == 1


@pytest.mark.usefixtures("settled")
async def test_links_out_of_the_folder_are_not_read(
    local: Opener, folder: Path, inbox: SourceDefinition, tmp_path: Path
) -> None:
    """Whoever may write to the folder gives away nothing that the worker may read."""
    (tmp_path / "elsewhere").mkdir()
    secret = policy(tmp_path / "elsewhere", "secret")
    policy(folder, "a")
    (folder / "link.md").symlink_to(secret)
    async with local() as services:
        told = await read(services, await add(services, inbox))
    assert told.downloaded == ["a.md"]


async def test_a_folder_that_is_away_deletes_nothing(
    local: Opener, folder: Path, inbox: SourceDefinition, tmp_path: Path
) -> None:
    """Neither an empty place of mounting nor none at all."""
    policy(folder, "a")
    (tmp_path / "empty").mkdir()
    async with local() as services:
        inbox = await add(services, inbox)
        await read(services, inbox)
        move(folder, tmp_path / "unmounted")
        with pytest.raises(UsageError):
            await read(services, inbox)
        copytree(tmp_path / "empty", folder)
        with pytest.raises(UsageError, match="holds no document at all any more"):
            await read(services, inbox)
        assert len(await query(services, _SOURCES)) == 1
