"""Stored objects: none is left behind, and none is taken that a document needs."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from clients.storage.object_storage import Storage
from clients.storage.objects import incoming_key, incoming_stem, parsed_key, raw_key
from pipeline.errors import ServiceUnavailable, StorageUnavailable
from pipeline.identity import sha256_hex, user_id
from pipeline.store import deletion, pending_objects, runs, uploads
from pipeline.store.registration import Registered, Source
from pipeline.store.transitions import Actor
from stages import intake, syncing
from stages.garbage_collection import collect_garbage, remove_orphaned_objects
from stages.services import Services
from tests.flows.corpus import Opener, change, policy, query, states
from tests.ingesting import ingest, work_off

ANNA = user_id("anna")
PERSON = Actor("person")


def stored(services: Services) -> set[str]:
    """The keys of all that is stored."""
    root = Path(services.settings.home) / "objects"
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


async def unsettled_stems(services: Services) -> list[str]:
    """What may lie in the storage though no row names it."""
    found = await query(services, "SELECT stem FROM upload_pipeline.unsettled_objects")
    return [row["stem"] for row in found]


async def an_hour_later(services: Services) -> None:
    """Nobody holds anything any more."""
    await change(services, "UPDATE upload_pipeline.unsettled_objects SET held_until = now()")


async def document_ids(services: Services, name: str) -> list[UUID]:
    """The ids of the documents with this name."""
    statement = "SELECT id FROM upload_pipeline.documents WHERE name = :name"
    return [row["id"] for row in await query(services, statement, name=name)]


async def delete(services: Services, name: str) -> None:
    """Delete a document with all that is stored of it."""
    ids = await document_ids(services, name)
    await syncing.delete(services.database, services.storage, ids, PERSON)


async def delete_and_die(services: Services, name: str) -> None:
    """A deletion whose process is killed before it has removed an object."""
    async with services.database.service() as connection:
        await deletion.delete_documents(connection, await document_ids(services, name), PERSON)


def as_source(path: Path) -> Source:
    """A file of Anna's as registering names it."""
    content = path.read_bytes()
    sha256 = sha256_hex(content)
    return Source(str(path), path.name, sha256, len(content), raw_key(ANNA, sha256))


async def take_in(
    services: Services,
    *files: Path,
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> list[Registered]:
    """Upload files of Anna's; `meanwhile` happens between their bytes and their rows."""
    paths = {as_source(path): path for path in files}

    async def store(wanted: Sequence[Source]) -> list[bool]:
        put = await services.storage.put_all([(each.storage_key, paths[each]) for each in wanted])
        if meanwhile is not None:
            await meanwhile()
        return put

    run_id = uuid4()
    async with services.database.service() as connection:
        await runs.start_run(connection, run_id, ANNA, "upload")
    upload = await intake.take_in(services, list(paths), store, ANNA, run_id, [])
    return list(upload.registered)


async def upload_and_die(services: Services, path: Path) -> None:
    """An upload whose process is killed once the bytes are stored."""

    async def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await take_in(services, path, meanwhile=die)


async def test_a_deletion_leaves_nothing(local: Opener, folder: Path) -> None:
    """Bytes and the texts of every parser version go; another document's stay."""
    gone, kept = as_source(policy(folder, "home")), as_source(policy(folder, "car"))
    async with local() as services:
        await ingest(services, [folder], ANNA)
        await services.storage.put(parsed_key(ANNA, gone.file_sha256, "older"), b"{}")
        await delete(services, "home.md")
        text = parsed_key(ANNA, kept.file_sha256, services.version.parser)
        assert stored(services) == {kept.storage_key, text}
        assert await unsettled_stems(services) == []


async def test_a_deletion_that_was_killed_is_finished_later(local: Opener, folder: Path) -> None:
    """The rows are gone, the objects are not: what tidies next removes them."""
    policy(folder, "home")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        await delete_and_die(services, "home.md")
        assert len(stored(services)) == 2
        await collect_garbage(services)
        assert stored(services) == set()
        assert await unsettled_stems(services) == []


async def test_what_a_killed_upload_stored_is_removed_in_its_time(
    local: Opener, folder: Path
) -> None:
    """Held while somebody may still be at it; then it is nobody's."""
    path = policy(folder, "home")
    async with local() as services:
        await upload_and_die(services, path)
        await collect_garbage(services)
        assert stored(services) == {as_source(path).storage_key}
        await an_hour_later(services)
        await collect_garbage(services)
        assert stored(services) == set()
        assert await unsettled_stems(services) == []


async def test_what_a_killed_upload_stored_serves_the_next_one(local: Opener, folder: Path) -> None:
    """Uploaded again, the bytes are a document's, and the old hold takes nothing from it."""
    path = policy(folder, "home")
    async with local() as services:
        await upload_and_die(services, path)
        await take_in(services, path)
        await an_hour_later(services)
        await collect_garbage(services)
        assert stored(services) == {as_source(path).storage_key}
        assert await unsettled_stems(services) == []


async def test_deleting_takes_nothing_from_an_upload_of_the_same_bytes(
    local: Opener, folder: Path
) -> None:
    """The last document with these bytes is deleted between an upload's bytes and its rows."""
    first = policy(folder, "home")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        second = folder / "copy.md"
        second.write_bytes(first.read_bytes())
        [job] = await take_in(services, second, meanwhile=lambda: delete(services, "home.md"))
        await collect_garbage(services)
        run_id = uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run_id, ANNA, "ingest")
        await work_off(services, [job.job_id], run_id)
        assert (await states(services)) == {"home.md": "deleted", "copy.md": "complete"}
        assert await unsettled_stems(services) == []


async def test_a_document_deleted_while_it_is_uploaded_unchanged_is_not_half_there(
    local: Opener, folder: Path
) -> None:
    """Its bytes were not stored again, since it was there: so nothing is registered, but later."""
    known, new = policy(folder, "home"), folder / "new.md"
    async with local() as services:
        await ingest(services, [folder], ANNA)
        policy(folder, "new")
        with pytest.raises(ServiceUnavailable, match="deleted in the moment of its upload"):
            await take_in(services, known, new, meanwhile=lambda: delete(services, "home.md"))
        assert (await states(services)) == {"home.md": "deleted"}
        again = await take_in(services, known, new)
        assert {each.outcome for each in again} == {"new"}
        assert stored(services) == {as_source(known).storage_key, as_source(new).storage_key}


async def test_an_upload_that_took_too_long_is_not_registered(local: Opener, folder: Path) -> None:
    """Its bytes were removed meanwhile: a row would name nothing. Tried again, it works."""
    path = policy(folder, "home")
    async with local() as services:

        async def sleep() -> None:
            await an_hour_later(services)
            await collect_garbage(services)

        with pytest.raises(ServiceUnavailable, match="took too long"):
            await take_in(services, path, meanwhile=sleep)
        assert await query(services, "SELECT * FROM upload_pipeline.upload_jobs") == []
        await take_in(services, path)
        assert stored(services) == {as_source(path).storage_key}


class SlowStorage(Storage):
    """Removes only when it is let."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def delete(self, keys: Sequence[str]) -> None:
        self.asked.set()
        await self.let.wait()
        await super().delete(keys)


async def test_an_upload_waits_for_a_removal_under_way(local: Opener, folder: Path) -> None:
    """Else its bytes, stored between the look and the removal, would be taken."""
    path = policy(folder, "home")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        await delete_and_die(services, "home.md")
        slow = SlowStorage((Path(services.settings.home) / "objects").as_uri())
        removal = asyncio.create_task(remove_orphaned_objects(services.database, slow))
        await slow.asked.wait()
        upload = asyncio.create_task(take_in(services, path))
        await asyncio.wait([upload], timeout=0.3)
        assert not upload.done()
        slow.let.set()
        assert await removal == 1
        await upload
        assert stored(services) == {as_source(path).storage_key}


async def test_what_is_given_up_while_others_are_removed_is_removed_next(
    local: Opener, folder: Path
) -> None:
    """Looked at and found needed, then its document is deleted: it is not forgotten."""
    needed, gone = policy(folder, "home"), policy(folder, "car")
    async with local() as services:
        await upload_and_die(services, needed)
        await ingest(services, [folder], ANNA)
        await an_hour_later(services)
        await delete_and_die(services, gone.name)
        slow = SlowStorage((Path(services.settings.home) / "objects").as_uri())
        removal = asyncio.create_task(remove_orphaned_objects(services.database, slow))
        await slow.asked.wait()
        await delete_and_die(services, needed.name)
        slow.let.set()
        await removal
        await collect_garbage(services)
        assert stored(services) == set()
        assert await unsettled_stems(services) == []


async def test_a_removal_that_fails_is_tried_again(local: Opener, folder: Path) -> None:
    """The storage is away: the deletion stands, the person is told, tidying goes on later."""
    policy(folder, "home")

    class Away(Storage):
        async def delete(self, keys: Sequence[str]) -> None:
            raise StorageUnavailable("The object storage failed (ConnectError).")

    async with local() as services:
        await ingest(services, [folder], ANNA)
        away = Away((Path(services.settings.home) / "objects").as_uri())
        ids = await document_ids(services, "home.md")
        with pytest.raises(StorageUnavailable):
            await syncing.delete(services.database, away, ids, PERSON)
        assert await states(services) == {"home.md": "deleted"}
        await collect_garbage(services)
        assert stored(services) == set()


async def test_many_are_removed_in_several_transactions(local: Opener, folder: Path) -> None:
    """More files than one transaction removes, of two users."""
    ben = user_id("ben")
    files = [policy(folder, f"policy-{number}") for number in range(40)]
    async with local() as services:
        for user in (ANNA, ben):
            run_id = uuid4()
            async with services.database.service() as connection:
                await runs.start_run(connection, run_id, user, "ingest")
            await intake.upload(services, files, user, run_id, [])
        found = await query(services, "SELECT id FROM upload_pipeline.documents")
        async with services.database.service() as connection:
            await deletion.delete_documents(connection, [row["id"] for row in found], PERSON)
        assert len(stored(services)) == 80
        assert await remove_orphaned_objects(services.database, services.storage, ben) == 40
        assert {key.split("/")[0] for key in stored(services)} == {str(ANNA)}
        assert await remove_orphaned_objects(services.database, services.storage) == 40
        assert stored(services) == set()


async def test_an_announced_upload_that_never_came_is_forgotten(local: Opener) -> None:
    """Row and bytes go a day after its time, not before."""
    upload = uuid4()
    async with local() as services:
        async with services.database.service() as connection:
            await uploads.announce(
                connection, upload, ANNA, source=None, name="home.md", tags=[],
                declared_bytes=None, seconds=60,
            )  # fmt: skip
            await pending_objects.acquire(connection, ANNA, [incoming_stem(upload)], 60)
        await services.storage.put(incoming_key(ANNA, upload), b"half of it")
        await collect_garbage(services)
        assert stored(services) == {incoming_key(ANNA, upload)}
        await an_hour_later(services)
        await change(services, "UPDATE upload_pipeline.uploads SET expires_at = now()")
        await collect_garbage(services)
        assert stored(services) == set()
        assert len(await query(services, "SELECT * FROM upload_pipeline.uploads")) == 1
        await change(
            services,
            "UPDATE upload_pipeline.uploads SET expires_at = now() - interval '25 hours'",
        )
        await collect_garbage(services)
        assert await query(services, "SELECT * FROM upload_pipeline.uploads") == []


async def test_uploads_and_deletions_at_once(local: Opener, folder: Path) -> None:
    """Whatever comes in between: what a document needs is stored, and nothing else.

    NAVIGATOR_TEST_MEETINGS sets how many there are of each.
    """
    meetings = int(os.environ.get("NAVIGATOR_TEST_MEETINGS", "40"))
    chance = random.Random(7)
    contents = [f"Policy {number} pays for a loss of kind {number}." for number in range(3)]
    sources = []
    for number in range(6):
        path = folder / f"policy-{number}.md"
        path.write_text(contents[number % 3])
        sources.append(path)

    async def a_moment() -> None:
        await asyncio.sleep(chance.uniform(0, 0.02))

    async def upload(services: Services) -> None:
        files = chance.sample(sources, chance.randint(1, 3))
        await a_moment()
        while True:
            try:
                await take_in(services, *files, meanwhile=a_moment)
                return
            except ServiceUnavailable:  # as a task's retry or a client would
                continue

    async def remove(services: Services) -> None:
        await a_moment()
        await delete(services, chance.choice(sources).name)

    needed = "SELECT storage_key FROM upload_pipeline.upload_jobs WHERE state <> 'deleted'"
    async with local() as services:
        for _ in range(meetings):
            meeting = [*(upload(services) for _ in range(3)), *(remove(services) for _ in range(2))]
            await asyncio.gather(*meeting)
            await collect_garbage(services)
            found = {row["storage_key"] for row in await query(services, needed)}
            assert stored(services) == found
            assert await unsettled_stems(services) == []
