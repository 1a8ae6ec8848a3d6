"""Homes of earlier versions, opened by this program: they migrate forward and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.corpus import edit_paragraph
from pipeline.store.embedded import stop_embedded
from pipeline.store.migrating import head_revision
from tests.app.navigating import Navigator
from tests.upgrades.earlier_homes import (
    LISTED,
    OTHER_USER,
    VERSIONS,
    Earlier,
    Running,
    expected,
    make_earlier,
)

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Opened:
    """A home of an earlier version that this program has opened once."""

    version: str
    earlier: Earlier
    navigator: Navigator
    first: dict[str, Any]
    """What the first command, `navigator list`, told."""

    def wanted(self) -> list[dict[str, Any]]:
        """The documents as that version left them, where they lie now."""
        return [
            {**each, "source": self.earlier.here(each["source"])}
            for each in expected(self.version)["documents"]
        ]


@pytest.fixture(scope="module", params=VERSIONS)
def opened(request: pytest.FixtureRequest, scratch: Path) -> Iterator[Opened]:
    """Each version's home, migrated by the first command that reads it."""
    earlier = make_earlier(request.param, scratch / f"earlier-{request.param}")
    navigator = Navigator(earlier.home)
    listed = navigator.here("list", "--json")
    assert listed.code == 0, listed.err
    yield Opened(request.param, earlier, navigator, listed.json)
    stop_embedded(earlier.home / "postgres")


def test_fixtures_are_of_earlier_schemas() -> None:
    """The oldest home is of another schema than this program's, or nothing would migrate."""
    revisions = [expected(version)["revision"] for version in VERSIONS]
    assert revisions == sorted(revisions)
    assert revisions[0] < revisions[-1] < head_revision()


def test_every_document_is_listed(opened: Opened) -> None:
    """The first command finds every document, in the state that it had."""
    told = {
        each["document_id"]: (each["source"], each["version"], each["state"], each["published"])
        for each in opened.first["documents"]
    }
    user = opened.wanted()[0]["user_id"]
    assert told == {
        each["id"]: (each["source"], each["versions"], each["state"], each["published"])
        for each in opened.wanted()
        if each["user_id"] == user and not each["deleted"]
    }


def test_rows_are_the_same(opened: Opened) -> None:
    """Ids, states and every published chunk's id are what they were, at the newest revision."""
    database = Running(opened.earlier.home / "postgres")
    assert database.ask("SELECT version_num FROM upload_pipeline.alembic_version") == (
        head_revision(),
    )
    assert database.ask(LISTED) == (opened.wanted(),)


def test_every_published_document_is_found(opened: Opened) -> None:
    """A search finds the passages of every published document, and of no other user's."""
    chunks = {each["id"]: each["chunks"] for each in opened.wanted() if each["published"]}
    for question, name in (
        ("lost or delayed baggage on a trip", "travel-insurance.txt"),
        ("exterior insulation and finish systems", "liability-endorsement.pdf"),
        ("personal property of a tenant", "renters-policy.md"),
    ):
        found = opened.navigator.here("search", question, "--json").json["passages"]
        assert found[0]["source"] == str(opened.earlier.documents / name)
        assert found[0]["chunk_id"] in chunks[found[0]["document_id"]]


def test_users_stay_apart(opened: Opened) -> None:
    """The second user lists and finds the one document that is theirs."""
    listed = opened.navigator.here("list", "--user", OTHER_USER, "--json").json
    assert [each["name"] for each in listed["documents"]] == ["travel-insurance.txt"]
    question = ("search", "personal property of a tenant", "--user", OTHER_USER, "--json")
    passages = opened.navigator.here(*question).json["passages"]
    assert {each["document_id"] for each in passages} <= {listed["documents"][0]["document_id"]}


def test_unchanged_documents_cost_nothing(opened: Opened) -> None:
    """Taking in the same files again would do and pay nothing, and tells what failed before."""
    planned = opened.navigator.here("plan", opened.earlier.documents, "--json").json
    assert (planned["tokens"], planned["new_chunks"], planned["cost_usd"]) == (0, 0, 0)
    outcomes = {each["document"]: each["outcome"] for each in planned["documents"]}
    assert outcomes.pop("workers-compensation-encrypted.pdf") == "failed_before"
    assert outcomes == dict.fromkeys(outcomes, "unchanged")


def test_chunks_stay_as_large_as_they_were(opened: Opened) -> None:
    """It goes on with the sizes that it began with, and is told what others gain and cost."""
    told = opened.navigator.here("chunking", "--json").json
    assert (told["tokens"], told["overlap_tokens"], told["set"]) == (400, 50, False)
    assert told["recommended"] == 600
    shown = " ".join(opened.navigator.here("status").err.split())
    assert "Chunks have 400 tokens here, as this installation began; 600 find more" in shown
    assert "See `navigator chunking use 600 --dry-run`; nothing changes by itself." in shown
    published = sum(each["published"] for each in opened.wanted())
    dry = opened.navigator.here("chunking", "use", 600, "--dry-run", "--json").json
    assert dry["outdated"] >= published
    assert opened.navigator.here("chunking", "--json").json == told


def test_what_is_set_wins(opened: Opened) -> None:
    """Who sets the size himself has it, and what it would cost is planned."""
    larger = {"NAVIGATOR_CHUNK_TOKENS": "600"}
    told = opened.navigator.here("chunking", "--json", **larger).json
    assert (told["tokens"], told["set"], told["note"]) == (600, True, None)
    planned = opened.navigator.here("plan", opened.earlier.documents, "--json", **larger).json
    assert "changed" in {each["outcome"] for each in planned["documents"]}


def test_an_edit_pays_for_what_was_edited(opened: Opened, tmp_path: Path) -> None:
    """Of an edited document only the edited passages would be bought, and that is told."""
    path = opened.earlier.documents / "renters-policy.md"
    before = path.read_bytes()
    try:
        edit_paragraph(path, "2026-11")
        planned = opened.navigator.here("plan", path, "--json").json
    finally:
        path.write_bytes(before)
    assert 1 <= planned["new_chunks"] <= 2 < planned["chunks"]


def test_taking_in_again_changes_nothing(opened: Opened) -> None:
    """A real run over the unchanged files calls no service and leaves every chunk where it is."""
    database = Running(opened.earlier.home / "postgres")
    calls = database.ask("SELECT count(*) FROM upload_pipeline.service_calls")
    again = opened.navigator("ingest", opened.earlier.documents, "--json")
    assert again.code == 1, again.err  # one has failed before, and is told again
    assert {each["outcome"] for each in again.json["documents"]} == {"unchanged", "failed_before"}
    assert database.ask("SELECT count(*) FROM upload_pipeline.service_calls") == calls
    assert database.ask(LISTED) == (opened.wanted(),)


def test_maintenance_finds_nothing_to_mend(opened: Opened) -> None:
    """Storage, database and ledger of a migrated home agree, once its words are those of today."""
    mended = opened.navigator.here("reconcile", "--fix", "--json")
    assert set(mended.json["kinds"]) <= {"words_old"}, mended.out
    looked = opened.navigator.here("reconcile", "--json")
    assert looked.code == 0, looked.out + looked.err
