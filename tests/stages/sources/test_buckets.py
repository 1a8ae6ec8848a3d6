"""A bucket's prefix as a source: only what changed is read, what is gone is deleted last."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from pipeline.errors import ConfigurationError, UsageError
from pipeline.identity import named_user, user_id
from pipeline.source_definition import SourceDefinition
from pipeline.states import JobState
from stages.services import Services
from tests.flows.corpus import Opener, query
from tests.reading_sources import KEYS, add, keep_versions, policy_text, put, read, remove
from tests.s3 import Bucket, bucket, endpoint

__all__ = ["bucket", "endpoint"]

ANNA, BEN = user_id("anna"), user_id("ben")


@pytest.fixture
def claims(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> SourceDefinition:
    """The bucket as a source of Anna's."""
    monkeypatch.setenv("CLAIMS_KEYS", json.dumps(KEYS))
    return SourceDefinition(
        bucket.url, ANNA, uuid4(), "claims", credentials="env:CLAIMS_KEYS",
        options={"endpoint": bucket.endpoint, "region": "us-east-1"},
    )  # fmt: skip


async def placed(services: Services, user: UUID = ANNA) -> dict[str, tuple[UUID, int]]:
    """The living documents' ids and versions, by their sources below the bucket."""
    found = await query(
        services,
        "SELECT id, source, versions FROM upload_pipeline.documents "
        "WHERE deleted_at IS NULL AND user_id = :user",
        user=user,
    )
    return {
        row["source"].partition("/navigator/")[2]: (row["id"], row["versions"]) for row in found
    }


async def test_only_what_changed_is_read(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """The first run reads everything, the second nothing; another version of one is read alone."""
    for name in ("a", "b", "c"):
        put(bucket, f"{name}.md", policy_text(name))
    async with local() as services:
        claims = await add(services, claims)
        first = await read(services, claims)
        second = await read(services, claims)
        before = await placed(services)
        put(bucket, "b.md", policy_text("b, amended"))
        third = await read(services, claims)
        after = await placed(services)
    assert sorted(first.downloaded) == ["a.md", "b.md", "c.md"]
    assert first.counts["new"] == 3
    assert second.downloaded == [] and second.counts["unchanged"] == 3
    assert third.downloaded == ["b.md"]
    assert {key: id_ for key, (id_, _) in before.items()} == {k: i for k, (i, _) in after.items()}
    assert {key: versions for key, (_, versions) in after.items()} == {
        "a.md": 1,
        "b.md": 2,
        "c.md": 1,
    }


async def test_what_is_gone_is_deleted_when_the_run_ended_well(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """A run that did not end well keeps the document; the next one that did deletes it."""
    for name in ("a", "b"):
        put(bucket, f"{name}.md", policy_text(name))
    async with local() as services:
        claims = await add(services, claims)
        await read(services, claims)
        remove(bucket, "a.md")
        ill = await read(services, claims, well=False)
        assert set(await placed(services)) == {"a.md", "b.md"}
        well = await read(services, claims)
        assert set(await placed(services)) == {"b.md"}
        later = await read(services, claims)
    assert (ill.counts["kept"], ill.counts["deleted"]) == (1, 0)
    assert (well.counts["kept"], well.counts["deleted"]) == (0, 1)
    assert later.asked == []


async def test_an_emptied_bucket_deletes_nothing(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """A source that held documents and holds none any more is refused, whoever emptied it."""
    put(bucket, "a.md", policy_text("a"))
    async with local() as services:
        claims = await add(services, claims)
        await read(services, claims)
        remove(bucket, "a.md")
        put(bucket, "notes.log", "no document")
        with pytest.raises(UsageError, match="holds no document at all any more"):
            await read(services, claims)
        assert set(await placed(services)) == {"a.md"}


async def test_a_moved_object_keeps_its_document(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """Copied to another name and removed under the old one: it is the same document."""
    put(bucket, "inbox/a.md", policy_text("a"))
    put(bucket, "b.md", policy_text("b"))
    async with local() as services:
        claims = await add(services, claims)
        await read(services, claims)
        before = await placed(services)
        put(bucket, "done/a.md", policy_text("a"))
        remove(bucket, "inbox/a.md")
        moved = await read(services, claims)
        after = await placed(services)
    assert (moved.counts["moved"], moved.counts["deleted"], moved.counts["new"]) == (1, 0, 0)
    assert after == {"done/a.md": before["inbox/a.md"], "b.md": before["b.md"]}


async def test_a_document_that_a_listing_forgot_is_not_gone(
    local: Opener, bucket: Bucket, claims: SourceDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each object is asked for by itself: what a short listing lacks stays."""
    from clients.sources.bucket import BucketSource

    whole = BucketSource.listing

    async def short(self: BucketSource) -> Any:
        async for page in whole(self):
            yield [each for each in page if each.key != "a.md"]

    for name in ("a", "b"):
        put(bucket, f"{name}.md", policy_text(name))
    async with local() as services:
        claims = await add(services, claims)
        await read(services, claims)
        monkeypatch.setattr(BucketSource, "listing", short)
        later = await read(services, claims)
        assert later.asked == ["a.md"]
        assert set(await placed(services)) == {"a.md", "b.md"}


async def test_a_place_says_whose_an_object_is(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """Each user gets what lies in a folder of their name; what lies beside is nobody's."""
    put(bucket, "clients/anna/a.md", policy_text("a"))
    put(bucket, "clients/ben/b.md", policy_text("b"))
    put(bucket, "clients/stray.md", policy_text("stray"))
    put(bucket, "old/carl/c.md", policy_text("c"))
    rules = replace(claims, user_id=None, rights=("old/**=ben", "clients/{user}/"))
    async with local() as services:
        added = await add(services, rules)
        first = await read(services, added)
        again = await read(services, added)
        assert set(await placed(services)) == {"clients/anna/a.md"}
        assert set(await placed(services, BEN)) == {"clients/ben/b.md", "old/carl/c.md"}
    assert first.counts["nobodys"] == 1
    assert again.downloaded == [] and again.counts["unchanged"] == 3


async def test_who_may_not_have_an_object_any_more_loses_it_at_once(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """Another label, the same bytes: the document is the other's, however the run ends."""
    put(bucket, "a.md", policy_text("a"), {"owner": "anna"})
    put(bucket, "b.md", policy_text("b"), {"owner": "ben"})
    rules = replace(claims, user_id=None, rights=("tag:owner",))
    async with local() as services:
        added = await add(services, rules)
        await read(services, added)
        assert set(await placed(services)) == {"a.md"}
        quiet = await read(services, added)
        assert quiet.labeled == []
        await _second_passes()
        put(bucket, "a.md", policy_text("a"), {"owner": "ben"})
        told = await read(services, added, work=False, well=False)
        assert told.counts["revoked"] == 1
        assert set(await placed(services)) == set()
        assert set(await placed(services, BEN)) == {"a.md", "b.md"}


async def _second_passes() -> None:
    """S3 tells the time of a change in seconds."""
    import asyncio

    await asyncio.sleep(1.1)


async def test_an_object_of_nobody_is_not_read(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """Without a label, or with one too long for a name, it stays where it is."""
    put(bucket, "a.md", policy_text("a"))
    put(bucket, "b.md", policy_text("b"), {"owner": "x" * 300})
    put(bucket, "c.md", policy_text("c"), {"owner": "anna"})
    async with local() as services:
        added = await add(services, replace(claims, user_id=None, rights=("tag:owner",)))
        told = await read(services, added)
        assert told.downloaded == ["c.md"]
        assert set(await placed(services, named_user("anna"))) == {"c.md"}


async def test_an_interrupted_run_reads_only_the_rest(
    local: Opener, bucket: Bucket, claims: SourceDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was registered is not read again; what was only registered goes on from where it is."""
    from stages.sources import spool

    monkeypatch.setattr(spool, "OBJECTS_AT_ONCE", 1)
    for name in ("a", "b", "c"):
        put(bucket, f"{name}.md", policy_text(name))
    async with local() as services:
        claims = await add(services, claims)
        with monkeypatch.context() as patch:
            seen = 0

            async def dies(*_: object) -> None:
                nonlocal seen
                seen += 1
                if seen == 2:
                    raise RuntimeError("the worker dies")

            patch.setattr("tests.reading_sources._told", dies)
            with pytest.raises(RuntimeError):
                await read(services, claims, work=False)
        second = await read(services, claims)
        assert second.downloaded == ["c.md"]
        assert second.counts["waiting"] == 2
        assert set(await placed(services)) == {"a.md", "b.md", "c.md"}
        states = await query(services, "SELECT state FROM upload_pipeline.upload_jobs")
        assert {row["state"] for row in states} == {JobState.COMPLETE}


async def test_another_pipeline_reads_nothing_again(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """Other chunks of the same bytes: the storage has them, so the bucket is not asked."""
    put(bucket, "a.md", policy_text("a"))
    async with local() as services:
        claims = await add(services, claims)
        await read(services, claims)
    async with local(chunk_tokens=48) as services:
        later = await read(services, claims)
        assert later.counts["changed"] == 1 and later.downloaded == []


async def test_a_bucket_with_versions_is_read_like_others(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """An answer tells a version that no listing told."""
    keep_versions(bucket)
    put(bucket, "a.md", policy_text("a"), {"owner": "anna"})
    rules = replace(claims, user_id=None, rights=("tag:owner",))
    async with local() as services:
        added = await add(services, rules)
        first = await read(services, added)
        again = await read(services, added)
        put(bucket, "a.md", policy_text("b"), {"owner": "anna"})
        third = await read(services, added)
    assert [each.downloaded for each in (first, again, third)] == [["a.md"], [], ["a.md"]]


async def test_an_object_that_changed_since_it_was_listed_waits_for_the_next_run(
    local: Opener, bucket: Bucket, claims: SourceDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes are never taken for those of the version that was listed."""
    from clients.sources.bucket import BucketSource

    whole = BucketSource.listing

    async def late(self: BucketSource) -> Any:
        async for page in whole(self):
            put(bucket, "a.md", policy_text("amended"))
            yield page

    put(bucket, "a.md", policy_text("a"))
    async with local() as services:
        claims = await add(services, claims)
        with monkeypatch.context() as patch:
            patch.setattr(BucketSource, "listing", late)
            first = await read(services, claims)
        assert (first.counts["vanished"], first.counts["new"]) == (1, 0)
        second = await read(services, claims)
        assert second.counts["new"] == 1


async def test_what_failed_waits_for_a_person(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """It is counted, and not a part of each run again, which would tell of it each time."""
    put(bucket, "a.pdf", "%PDF-1.7 nothing")
    async with local() as services:
        claims = await add(services, claims)
        await read(services, claims)
        again = await read(services, claims)
        assert again.counts["failed_before"] == 1 and again.downloaded == []
        jobs = await query(
            services,
            "SELECT count(*) AS n FROM upload_pipeline.run_jobs WHERE run_id = :run",
            run=again.run_id,
        )
        assert jobs[0]["n"] == 0


async def test_hostile_names_are_only_names(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """A border of an archive, a direction mark, a percent: none means anything."""
    put(bucket, "a.zip#b.md", policy_text("a"))
    put(bucket, "mark\u202etxt.md", policy_text("c"))
    put(bucket, ".hidden/d.md", policy_text("d"))
    put(bucket, "~$e.md", policy_text("e"))
    put(bucket, "100%.md", policy_text("f"))
    async with local() as services:
        claims = await add(services, claims)
        first = await read(services, claims)
        assert set(await placed(services)) == {
            "a.zip%23b.md",  "mark%E2%80%AEtxt.md", "100%25.md"
        }  # fmt: skip
        again = await read(services, claims)
    assert first.counts["left_out"] == 2
    assert again.downloaded == [] and again.counts["unchanged"] == 3


async def test_a_name_that_cannot_be_addressed_is_said(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """A bucket with such a name is not read at all, and nothing is taken for gone."""
    put(bucket, "a.md", policy_text("a"))
    async with local() as services:
        claims = await add(services, claims)
        await read(services, claims)
        put(bucket, "x//y.md", policy_text("y"))
        with pytest.raises(ConfigurationError, match="cannot be addressed"):
            await read(services, claims)
        assert set(await placed(services)) == {"a.md"}


async def test_too_large_and_full_are_not_even_read(
    local: Opener, bucket: Bucket, claims: SourceDefinition
) -> None:
    """An object over the limit, and what does not fit into the user's storage."""
    put(bucket, "a.md", policy_text("a"))
    put(bucket, "b.md", policy_text("b") * 100)
    put(bucket, "c.md", policy_text("c"))
    size = len(policy_text("a"))
    async with local(max_file_bytes=size + 10, user_quota_bytes=size + 10) as services:
        told = await read(services, await add(services, claims))
        assert told.downloaded == ["a.md"]
        assert told.counts["rejected"] == 2
        [run] = await query(services, "SELECT rejected FROM upload_pipeline.ingest_runs")
    codes = {each["source"].rpartition("/")[2]: each["code"] for each in run["rejected"]}
    assert codes == {"b.md": "file_too_large", "c.md": "storage_quota_reached"}


async def test_endpoints_elsewhere_have_to_speak_tls(
    local: Opener, claims: SourceDefinition
) -> None:
    """Plain HTTP is for this machine alone, whatever the credentials' JSON says."""
    plain = replace(claims, options={"endpoint": "http://192.0.2.1:9000", "region": "x"})
    async with local() as services:
        with pytest.raises(ConfigurationError, match="speaks no TLS"):
            await read(services, plain)


async def test_credentials_that_are_wrong_are_said_without_them(
    local: Opener, bucket: Bucket, claims: SourceDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that is not set: the sentence names the variable, and no value of any."""
    monkeypatch.delenv("CLAIMS_KEYS")
    async with local() as services:
        with pytest.raises(ConfigurationError, match="CLAIMS_KEYS"):
            await read(services, claims)
