"""Files that are damaged, mislabeled, gone or oddly named: each ends rightly, the others go on."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from clients.storage.objects import raw_key
from pipeline.identity import sha256_hex, user_id
from pipeline.sources import FileContent, examine
from pipeline.store import runs
from pipeline.store.registration import Source
from stages import file_inspection, intake
from tests.flows.corpus import Opener, corpus, documents, policy, query, states
from tests.ingesting import ingest, work_off

ANNA = user_id("anna")
SAMPLES = Path(__file__).parents[2] / "samples/files"


def bad_files(folder: Path) -> dict[str, tuple[str, str]]:
    """Files that cannot be published: how each of them has to end."""
    shutil.copy(SAMPLES / "workers-compensation-encrypted.pdf", folder / "encrypted.pdf")
    shutil.copy(SAMPLES / "disability-certificate-scanned.pdf", folder / "scanned.pdf")
    whole = (SAMPLES / "homeowners-policy.pdf").read_bytes()
    (folder / "truncated.pdf").write_bytes(whole[: len(whole) // 3])
    (folder / "nothing.pdf").write_bytes(b"")
    (folder / "blank.txt").write_text(" \n\t \n")
    (folder / "picture.pdf").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))
    with zipfile.ZipFile(folder / "archive.docx", "w") as archive:
        archive.writestr("notes.txt", "This is no Word document.")
    return {
        "encrypted.pdf": ("failed_parse", "file_is_encrypted"),
        "scanned.pdf": ("failed_parse", "no_text_layer"),
        "truncated.pdf": ("failed_parse", "file_is_broken"),
        "nothing.pdf": ("failed_parse", "file_is_empty"),
        "blank.txt": ("failed_parse", "file_is_empty"),
        "picture.pdf": ("failed_parse", "no_text_layer"),
        "archive.docx": ("failed_parse", "unsupported_file_type"),
    }


def odd_files(folder: Path) -> set[str]:
    """Files that look wrong and can be published all the same."""
    shutil.copy(SAMPLES / "renters-policy.md", folder / "copy.md")
    shutil.copy(SAMPLES / "renters-policy.md", folder / "original.md")
    shutil.copy(SAMPLES / "auto-policy.pdf", folder / "really-a-pdf.txt")
    text = "The deductible for a loss by hail is 500 dollars. " * 20
    (folder / "nul.txt").write_bytes(text.replace("hail", "ha\0il", 1).encode())
    (folder / "latin.txt").write_bytes(f"Hausratversicherung für Möbel\n\n{text}".encode("latin-1"))
    (folder / "utf16.txt").write_bytes(text.encode("utf-16"))
    return {"copy.md", "original.md", "really-a-pdf.txt", "nul.txt", "latin.txt", "utf16.txt"}


async def test_each_bad_file_ends_with_its_reason_and_the_others_are_published(
    local: Opener, folder: Path
) -> None:
    """One sentence and one remedy for each bad file; the odd ones are cleaned and published."""
    expected, fine = bad_files(folder), odd_files(folder)
    async with local() as services:
        run = await ingest(services, [folder], ANNA)
        ended = await documents(services, run)
        assert set(ended) == set(expected) | fine
        for name, (state, code) in expected.items():
            document = ended[name]
            assert (document.state, document.error_code) == (state, code), name
            assert (document.error_message or "").endswith("."), name
            assert "\n" not in (document.error_message or ""), name
            assert document.error_remedy, name
        assert {name: ended[name].state for name in fine} == dict.fromkeys(fine, "complete")
        assert {chunk[0] for chunk in await corpus(services)} == fine
        replaced = await query(services, "SELECT sum(replaced) FROM upload_pipeline.upload_jobs")
        assert replaced[0]["sum"] == 1
        found = await query(
            services,
            "SELECT text FROM upload_pipeline.document_chunks WHERE text LIKE '%für Möbel%'",
        )
        assert len(found) == 1
        # The same bytes under two names are stored and parsed once, and published twice.
        parsed = await query(services, "SELECT 1 FROM upload_pipeline.parsed_files")
        assert len(parsed) == len(fine) - 1


async def test_what_is_no_readable_file_is_rejected_without_hanging(
    local: Opener, folder: Path
) -> None:
    """A pipe, a dangling link, a folder named like a file: nothing waits, the run says why."""
    policy(folder, "fine")
    os.mkfifo(folder / "pipe.pdf")
    (folder / "dangling.pdf").symlink_to(folder / "nowhere.pdf")
    (folder / "loop.pdf").symlink_to(folder / "loop.pdf")
    (folder / os.fsdecode(b"bad-\xff.pdf")).symlink_to("nowhere")
    (folder / "folder.pdf").mkdir()
    policy(folder / "folder.pdf", "inside")
    async with local(max_file_bytes=100_000) as services:
        (folder / "large.txt").write_bytes(b"x" * 100_001)
        async with asyncio.timeout(60):
            run = await ingest(services, [folder], ANNA)
        assert await states(services) == {"fine.md": "complete", "inside.md": "complete"}
        async with services.database.service() as connection:
            rejected = await runs.rejected_files(connection, run)
    assert {Path(each.source).name: each.code for each in rejected} == {
        "pipe.pdf": "file_missing",
        "dangling.pdf": "file_missing",
        "loop.pdf": "file_missing",
        "bad-\\xff.pdf": "file_missing",
        "large.txt": "file_too_large",
    }
    assert all(each.message.endswith(".") and each.remedy for each in rejected)


async def test_a_file_that_vanishes_while_it_is_taken_in_is_rejected(
    local: Opener, folder: Path
) -> None:
    """Gone between the scan and the copy: rejected in words; the other files are taken in."""
    gone, fine = policy(folder, "gone"), policy(folder, "fine")
    (folder / "pipe").mkdir()
    async with local() as services:
        content = examine(gone, 10**6)
        assert isinstance(content, FileContent)
        source = file_inspection.as_source(ANNA, content)
        gone.unlink()

        async def store(wanted: Sequence[Source]) -> list[bool]:
            return await services.storage.put_all([(each.storage_key, gone) for each in wanted])

        run = uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run, ANNA, "ingest")
        taken = await intake.take_in(services, [source], store, ANNA, run, [])
        assert [(each.code, each.message) for each in taken.rejected] == [
            ("file_missing", "It vanished while it was read.")
        ]
        assert taken.registered == ()
        assert not await services.storage.exists(source.storage_key)
        run = await ingest(services, [fine], ANNA)
        assert {each.state for each in (await documents(services, run)).values()} == {"complete"}
        again = await file_inspection.inspect_files([gone, fine], 10**6)
        assert [each.code for each in again[1]] == ["file_missing"]


async def test_a_file_that_vanishes_does_not_take_an_equal_one_with_it(
    local: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two files with the same bytes one vanishes while they are copied: the other is taken."""
    gone = policy(folder, "gone")
    equal = folder / "equal.md"
    shutil.copy(gone, equal)
    async with local() as services:
        store = services.storage.put_all

        async def after_it_vanished(objects: Sequence[tuple[str, bytes | Path]]) -> list[bool]:
            gone.unlink(missing_ok=True)
            return await store(objects)

        monkeypatch.setattr(services.storage, "put_all", after_it_vanished)
        run = uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run, ANNA, "ingest")
        taken = await intake.upload(services, [gone, equal], ANNA, run, [])
    assert [Path(each.source).name for each in taken.rejected] == ["gone.md"]
    assert [Path(each.source).name for each in taken.registered] == ["equal.md"]


@pytest.mark.parametrize("fault", ["vanished", "damaged"])
async def test_a_stored_file_that_is_lost_fails_until_it_is_ingested_again(
    fault: str, local: Opener, folder: Path
) -> None:
    """Lost or altered bytes in the storage are noticed, said, and replaced by the next ingest."""
    path = policy(folder, "home")
    fine = policy(folder, "fine")
    key = raw_key(ANNA, sha256_hex(path.read_bytes()))
    async with local() as services:
        run = uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run, ANNA, "ingest")
        taken = await intake.upload(services, [path, fine], ANNA, run, [])
        if fault == "vanished":
            await services.storage.delete([key])
        else:
            await services.storage.put(key, b"# Other\n\nThese bytes were never uploaded.")
        await work_off(services, taken.to_do, run)
        assert await states(services) == {"home.md": "failed_parse", "fine.md": "complete"}
        found = await query(
            services,
            """
            SELECT error_code, error_message, error_remedy FROM upload_pipeline.upload_jobs
            WHERE state = 'failed_parse'
            """,
        )
        what = {"vanished": "missing", "damaged": "damaged"}[fault]
        assert tuple(found[0].values()) == (
            "file_missing",
            f"A stored object is {what}.",
            "Put the file back and ingest it again.",
        )
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete", "fine.md": "complete"}


async def test_parsed_text_that_is_lost_is_made_again(local: Opener, folder: Path) -> None:
    """The stored text of the same bytes vanished or is damaged: they are parsed anew."""
    path = policy(folder, "home")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        found = await query(services, "SELECT parsed_key FROM upload_pipeline.upload_jobs")
        key = found[0]["parsed_key"]
        for number, damage in enumerate((None, b"[]", b'{"pages": 1', b'{"pages": [[1]]}')):
            await services.storage.delete([key])
            if damage is not None:
                await services.storage.put(key, damage)
            (folder / f"copy-{number}.md").write_bytes(path.read_bytes())
            await ingest(services, [folder], ANNA)
            assert (await states(services))[f"copy-{number}.md"] == "complete"


async def test_any_file_name_is_kept_and_shown_safely(local: Opener, folder: Path) -> None:
    """Unicode, newlines, direction marks, 255 bytes, bytes that are no UTF-8, `#`, `%`, `[`."""
    names = [
        "Versicherung für Möbel – 保険.md".encode(),
        b"line\nbreak.md",
        "right\u202eto-left.md".encode(),
        b"x" * 252 + b".md",
        b"latin-\xfc\xff.md",
        b"50%2e%2e#[draft].md",
        b"etc%2f..%2f..%2fetc.md",
        b"' OR 1=1 --.md",
    ]
    for number, name in enumerate(names):
        policy(folder, f"policy-{number}").rename(folder / os.fsdecode(name))
    async with local() as services:
        await ingest(services, [folder], ANNA)
        found = await query(
            services,
            """
            SELECT d.source, d.name, j.state, j.storage_key FROM upload_pipeline.documents AS d
            JOIN upload_pipeline.upload_jobs AS j ON j.id = d.latest_job_id
            """,
        )
        assert len({row["source"] for row in found}) == len(names)
        assert {row["state"] for row in found} == {"complete"}
        assert all(row["name"].isprintable() for row in found)
        assert {row["storage_key"].count("/") for row in found} == {2}
        assert not re.search(r"[^0-9a-f/raw-]", "".join(row["storage_key"] for row in found))
        again = await ingest(services, [folder], ANNA)
        assert {each.outcome for each in (await documents(services, again)).values()} == {
            "unchanged"
        }
