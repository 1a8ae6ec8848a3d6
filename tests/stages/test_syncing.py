"""`--sync`: moved files keep their documents, and only what is gone is deleted, at the end."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from mocks import OpenAIMock
from pipeline.errors import ServiceUnavailable, UsageError
from pipeline.identity import user_id
from pipeline.sources import find_files
from pipeline.states import JobState
from pipeline.store import attachments, runs
from pipeline.store import synced as synced_rows
from pipeline.store.attachments import Parent
from pipeline.store.transitions import Actor
from stages import batch, parsing, planning, syncing, validating
from stages.services import Services
from tests.flows.corpus import Opener, change, corpus, documents, policy, query
from tests.ingesting import accept, ingest
from tests.stages.test_attaching import REPORT, claim
from tests.syncing import begin_sync, synced

ANNA, BEN = user_id("anna"), user_id("ben")
_TREE = """
    SELECT d.id, d.source, d.name, count(c.id) AS chunks FROM upload_pipeline.documents AS d
    LEFT JOIN upload_pipeline.document_chunks AS c ON c.document_id = d.id
    WHERE d.deleted_at IS NULL AND d.user_id = :user GROUP BY d.id
"""


async def placed(services: Services, user: UUID = ANNA) -> dict[str, UUID]:
    """The living documents' ids, by their sources."""
    return {row["source"]: row["id"] for row in await query(services, _TREE, user=user)}


async def test_files_that_a_walk_leaves_out_are_not_gone(
    local: Opener, folder: Path, tmp_path: Path
) -> None:
    """Another suffix, a hidden name, behind a linked folder, too large: the documents stay."""
    policy(folder, "main")
    log, hidden = folder / "notes.log", folder / ".draft.md"
    log.write_text("Notes of the 3rd of May: sump pump backup endorsement.\n")
    hidden.write_text("Draft: equine mortality cover.\n")
    (tmp_path / "target").mkdir()
    behind = policy(tmp_path / "target", "behind")
    (folder / "link").symlink_to(tmp_path / "target")
    large = policy(folder, "large", sections=12)
    async with local() as services:
        await ingest(services, [log, hidden, folder / "link" / behind.name, folder], ANNA)
        before = await placed(services)
        assert len(before) == 5
    async with local(max_file_bytes=large.stat().st_size - 1) as services:
        assert (
            await planning.plan(services, find_files([str(folder)]), ANNA, sync=True)
        ).vanished == 0
        assert await synced(services, ANNA, folder) == 0
        assert await placed(services) == before


async def test_a_folder_that_may_not_be_searched_keeps_its_documents(
    local: Opener, folder: Path
) -> None:
    """What nobody can look at is not taken for gone: a link whose target is away, a circle."""
    policy(folder, "main")
    drive = folder.parent / "drive"
    drive.mkdir()
    path = policy(drive, "away")
    (folder / "link").symlink_to(drive)
    async with local() as services:
        await ingest(services, [folder, folder / "link" / path.name], ANNA)
        drive.rename(folder.parent / "unmounted")
        assert await synced(services, ANNA, folder) == 0
        (folder / "link").unlink()
        assert await synced(services, ANNA, folder) == 1


async def test_a_renamed_folder_keeps_its_documents_whatever_the_cap(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Nothing is bought, ids and chunks stay, and they stay found in a run stopped by its cap."""
    old = folder / "old"
    old.mkdir()
    for number in range(3):
        policy(old, f"policy-{number}")
    async with remote(embedding_usd_per_million_tokens=Decimal(100)) as services:
        await ingest(services, [folder], ANNA)
        before, passages = await placed(services), await corpus(services)
        billed = openai.stats()["billed_tokens"]
        old.rename(folder / "new")
        plan = await planning.plan(services, find_files([str(folder)]), ANNA, sync=True)
        assert (plan.moved, plan.vanished, plan.cost_usd, plan.to_do) == (3, 0, Decimal(0), [])
        run, found = await begin_sync(services, ANNA, [folder], cap=Decimal("0.0000001"))
        assert {each.outcome for each in (await documents(services, run)).values()} == {"unchanged"}
        assert await syncing.finish(services, ANNA, found, run, well=False) == 0
        after = await placed(services)
        assert {source.replace("/new/", "/old/"): each for source, each in after.items()} == before
        assert await corpus(services) == passages
    assert openai.stats()["billed_tokens"] == billed


async def test_names_that_are_passed_on_or_swapped_take_their_documents_along(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """a to b and b to c; d and e change names; each id goes with its bytes, nothing is bought."""
    for name in "abde":
        policy(folder, name)
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        before = {Path(source).name: each for source, each in (await placed(services)).items()}
        billed = openai.stats()["billed_tokens"]
        (folder / "b.md").rename(folder / "c.md")
        (folder / "a.md").rename(folder / "b.md")
        (folder / "d.md").rename(folder / "x")
        (folder / "e.md").rename(folder / "d.md")
        (folder / "x").rename(folder / "e.md")
        assert await synced(services, ANNA, folder) == 0
        after = {Path(source).name: each for source, each in (await placed(services)).items()}
        assert after == {
            "b.md": before["a.md"],
            "c.md": before["b.md"],
            "d.md": before["e.md"],
            "e.md": before["d.md"],
        }
        # whoever comes to a place that was left is a document of its own, with an id of its own
        policy(folder, "a", sections=5)
        assert await synced(services, ANNA, folder) == 0
        now = {Path(source).name: each for source, each in (await placed(services)).items()}
        assert now.keys() == {"a.md", "b.md", "c.md", "d.md", "e.md"}
        assert len(set(now.values())) == 5
        assert {now[name] for name in after} == set(after.values())
        assert await synced(services, ANNA, folder) == 0
        assert (
            now.items()
            <= {
                Path(source).name: each for source, each in (await placed(services)).items()
            }.items()
        )
    assert openai.stats()["max_sends"] == 1
    assert openai.stats()["billed_tokens"] > billed


async def test_equal_bytes_are_told_apart_by_their_names(local: Opener, folder: Path) -> None:
    """Two equal files move and a third copy comes: each document follows a file, one is new."""
    first = policy(folder, "first")
    (folder / "second.md").write_bytes(first.read_bytes())
    async with local() as services:
        await ingest(services, [folder], ANNA)
        before = {Path(source).name: each for source, each in (await placed(services)).items()}
        (folder / "new").mkdir()
        (folder / "first.md").rename(folder / "new" / "renamed.md")
        (folder / "second.md").rename(folder / "new" / "second.md")
        (folder / "new" / "third.md").write_bytes((folder / "new" / "second.md").read_bytes())
        assert await synced(services, ANNA, folder) == 0
        after = {Path(source).name: each for source, each in (await placed(services)).items()}
        assert after["second.md"] == before["second.md"]
        assert after["renamed.md"] == before["first.md"]
        assert after["third.md"] not in before.values()


async def test_a_copy_is_no_move_even_when_the_original_is_edited(
    local: Opener, folder: Path
) -> None:
    """Who keeps a path keeps its document; the copy is another one."""
    path = policy(folder, "home")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        [document] = (await placed(services)).values()
        (folder / "copy.md").write_bytes(path.read_bytes())
        path.write_text(path.read_text().replace("pays 200", "pays 250"))
        assert await synced(services, ANNA, folder) == 0
        after = await placed(services)
        assert after[str(path)] == document
        assert after[str(folder / "copy.md")] != document


async def test_a_file_moved_over_another_buys_nothing(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """The place keeps its document, with the bytes as its new version; the old one goes last."""
    over, under = policy(folder, "over", sections=3), policy(folder, "under", sections=4)
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        billed = openai.stats()["billed_tokens"]
        over.rename(under)
        run, found = await begin_sync(services, ANNA, [folder])
        assert sorted(Path(source).name for source in await placed(services)) == [
            "over.md", "under.md",
        ]  # fmt: skip
        assert await syncing.finish(services, ANNA, found, run, well=True) == 1
        assert {chunk[0] for chunk in await corpus(services)} == {"under.md"}
    assert openai.stats()["billed_tokens"] == billed


async def test_a_moved_and_edited_file_is_paid_for_its_edit_and_deleted_last(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Both are found until a run has ended well; one that has not deletes nothing, and says so."""
    path = policy(folder, "home", sections=6)
    policy(folder, "other")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        inputs = openai.stats()["inputs"]
        moved = path.rename(folder / "house.md")
        moved.write_text(moved.read_text().replace("pays 600", "pays 650"))
        run, found = await begin_sync(services, ANNA, [folder], work=False)
        assert await syncing.finish(services, ANNA, found, run, well=False) == 0
        async with services.database.reader(ANNA) as connection:
            [kept] = await runs.kept_by_sync(connection, run)
            assert kept.source == str(path)
            assert await runs.rejected_files(connection, run) == []
        # it said that it went well, and yet has not published what may replace the old one
        assert await syncing.finish(services, ANNA, found, run, well=True) == 0
        assert str(path) in await placed(services)
        run, found = await begin_sync(services, ANNA, [folder])
        assert await syncing.finish(services, ANNA, found, run, well=False) == 0
        assert await syncing.finish(services, ANNA, found, run, well=True) == 1
        assert set(await placed(services)) == {str(moved), str(folder / "other.md")}
    assert 1 <= openai.stats()["inputs"] - inputs <= 2


async def test_a_file_that_never_could_be_read_holds_no_deletion_back(
    local: Opener, folder: Path
) -> None:
    """Beside it another was seen before: what it is cannot be what became of that one."""
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    gone = policy(folder, "gone")
    policy(folder, "stays")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        gone.unlink()
        assert await synced(services, ANNA, folder) == 1
        (folder / "stays.md").unlink()
        (folder / "fresh.pdf").write_bytes(b"%PDF-1.7\nnothing more at all")
        policy(folder, "more")
        assert await synced(services, ANNA, folder) == 0
        (folder / "fresh.pdf").unlink()
        assert await synced(services, ANNA, folder) == 2


async def test_a_moved_letter_takes_what_is_inside_along(local: Opener, folder: Path) -> None:
    """The files inside keep their ids and get sources that begin with the letter's new one."""
    (folder / "claim.eml").write_bytes(claim(REPORT))
    async with local() as services:
        await ingest(services, [folder], ANNA)
        before = await placed(services)
        (folder / "claim.eml").rename(folder / "moved.eml")
        assert await synced(services, ANNA, folder) == 0
        after = await placed(services)
        assert {
            source.replace("moved.eml", "claim.eml"): each for source, each in after.items()
        } == before
        # another letter at the old place has files of its own
        (folder / "claim.eml").write_bytes(claim(REPORT, text="Another letter, about hail."))
        await ingest(services, [folder], ANNA)
        both = await placed(services)
        assert len(both) == 4
        assert after.items() <= both.items()
        # and the first comes back over what was deleted there
        (folder / "claim.eml").unlink()
        assert await synced(services, ANNA, folder) == 2
        (folder / "moved.eml").rename(folder / "claim.eml")
        assert await synced(services, ANNA, folder) == 0
        assert await placed(services) == before


async def test_a_letter_that_moves_while_it_is_parsed_has_its_files_there(
    local: Opener, folder: Path
) -> None:
    """What is inside is registered under the letter's new path, never under the one it left."""
    letter, moved = folder / "claim.eml", folder / "moved.eml"
    letter.write_bytes(claim(REPORT))
    async with local() as services:
        jobs, run = await accept(services, [letter], ANNA), uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run, ANNA, "ingest")
        async with batch.claim_batch(services, jobs, run) as held:
            await validating.queue(services, held)
            queued = await batch.jobs_at(services, held, JobState.PARSE_QUEUED)
            parsed = await parsing.parse_jobs(services, queued, held.run_id)
            letter.rename(moved)
            await syncing.take_moves(services, ANNA, find_files([str(folder)]), uuid4())
            await validating.record_parsed(services, held, parsed)
            parent = Parent(
                queued[0].document_id, jobs[0], queued[0].attempt, uuid4(), queued[0].source
            )
            async with services.database.service() as connection:
                for source, tags in ((str(letter), None), (str(moved), [])):
                    asked = replace(parent, source=source)
                    worker = services.worker
                    assert await attachments.tags_of_current(connection, asked, worker) == tags
        await ingest(services, [folder], ANNA)
        assert set(await placed(services)) == {str(moved), f"{moved}#1/report.pdf"}


async def test_a_document_that_changed_meanwhile_is_not_moved(local: Opener, folder: Path) -> None:
    """What was looked at is what is moved; else it is tried again, and nothing has happened."""
    path = policy(folder, "home")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        path.rename(folder / "house.md")
        found = await syncing.survey(services, ANNA, find_files([str(folder)]))
        await change(services, "UPDATE upload_pipeline.documents SET source = '/elsewhere'")
        with pytest.raises(ServiceUnavailable):
            async with services.database.service() as connection:
                await synced_rows.move_documents(connection, ANNA, found.moved, Actor("test"))
        assert set(await placed(services)) == {"/elsewhere"}


async def test_other_users_and_uploads_are_left_alone(local: Opener, folder: Path) -> None:
    """What another user has of the same files, and what has no path, stays as it is."""
    path = policy(folder, "home")
    policy(folder, "stays")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        await ingest(services, [folder], BEN)
        await change(
            services,
            "UPDATE upload_pipeline.documents SET source = 'policies/home' "
            "WHERE name = 'stays.md' AND user_id = :user",
            user=ANNA,
        )
        path.rename(folder / "house.md")
        assert await synced(services, ANNA, folder) == 0
        assert {Path(source).name for source in await placed(services, BEN)} == {
            "home.md",
            "stays.md",
        }
        assert "policies/home" in await placed(services)


@pytest.mark.parametrize("emptied", ["only", "one_of_two"])
async def test_an_emptied_folder_deletes_nothing(
    local: Opener, folder: Path, tmp_path: Path, emptied: str
) -> None:
    """A folder that held documents and holds none is more often a missing mount than a wish."""
    gone = policy(folder, "home")
    other = tmp_path / "other"
    other.mkdir()
    policy(other, "stays")
    roots = [folder] if emptied == "only" else [folder, other]
    async with local() as services:
        await ingest(services, roots, ANNA)
        before = await placed(services)
        gone.unlink()
        found = find_files([str(root) for root in roots])
        with pytest.raises(UsageError, match="holds no document"):
            await syncing.take_moves(services, ANNA, found, uuid4())
        with pytest.raises(UsageError, match="holds no document"):
            await planning.plan(services, found, ANNA, sync=True)
        assert await placed(services) == before


async def test_a_folder_that_is_unmounted_in_mid_run_loses_nothing(
    local: Opener, folder: Path
) -> None:
    """At the end its files are gone all together: they are kept, and it is said."""
    policy(folder, "home")
    async with local() as services:
        run, found = await begin_sync(services, ANNA, [folder])
        (folder / "home.md").rename(folder.parent / "away.md")
        assert await syncing.finish(services, ANNA, found, run, well=True) == 0
        async with services.database.reader(ANNA) as connection:
            assert len(await runs.kept_by_sync(connection, run)) == 1


async def test_a_file_goes_with_a_name_that_is_no_utf8(local: Opener, folder: Path) -> None:
    """Its document stays while it is there, moves with it, and goes when it is gone."""
    odd = policy(folder, "odd").rename(folder / os.fsdecode(b"pol\xe9.md"))
    policy(folder, "home")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        assert await synced(services, ANNA, folder) == 0
        before = await placed(services)
        assert len(before) == 2
        moved = odd.rename(folder / os.fsdecode(b"\xe8.md"))
        assert await synced(services, ANNA, folder) == 0
        assert set((await placed(services)).values()) == set(before.values())
        moved.unlink()
        assert await synced(services, ANNA, folder) == 1
