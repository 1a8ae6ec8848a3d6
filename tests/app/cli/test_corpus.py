"""The commands over an ingested corpus."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg

from pipeline.store.embedded import start_embedded
from tests.app.navigating import SAMPLES, Ended, Navigator


def test_ingest_names_every_document_with_its_end(first_ingest: Ended) -> None:
    """Twelve samples are published; three fail, each with a reason and a remedy; the code is 1."""
    assert first_ingest.code == 1
    documents = {each["document"]: each for each in first_ingest.json["documents"]}
    assert len(documents) == 15
    failed = {name: each["error"] for name, each in documents.items() if each["error"]}
    assert {name: error["code"] for name, error in failed.items()} == {
        "disability-certificate-scanned.pdf": "no_text_layer",
        "umbrella-policy-broken.pdf": "file_is_broken",
        "workers-compensation-encrypted.pdf": "file_is_encrypted",
    }
    assert all(error["message"] and error["remedy"] for error in failed.values())
    published = [each for each in documents.values() if each["status"] == "published"]
    assert len(published) == 12
    assert not [each for each in published if not each["chunks"] or not each["tokens"]]


def test_slow_beginnings_are_announced(first_ingest: Ended) -> None:
    """A person is told what the command waits for, and Prefect's own logs stay out of it."""
    assert "Starting Prefect and loading the quality gate" in first_ingest.err
    assert "Flow run" not in first_ingest.err
    assert "Task run" not in first_ingest.err


def test_an_unchanged_ingest_does_nothing_and_needs_no_prefect(navigator: Navigator) -> None:
    """The same files again are unchanged; only what failed is named again, with its reason."""
    again = navigator.here("ingest", SAMPLES)
    assert again.code == 1
    assert "12 unchanged, 3 failed; 0 tokens" in again.out
    assert "The PDF is protected with a password." in again.out
    assert "Prefect" not in again.err
    good = navigator.here("ingest", SAMPLES / "renters-policy.md")
    assert (good.code, "1 unchanged" in good.out) == (0, True)


def test_a_known_failure_makes_no_run_fail(navigator: Navigator) -> None:
    """Once acknowledged, the same files end well; what is published cannot be acknowledged."""
    failed = [each["name"] for each in navigator.here("list", "--state", "failed", "--json")
              .json["documents"]]  # fmt: skip
    refused = navigator.here("acknowledge", failed[0], "renters-policy.md")
    assert (refused.code, "renters-policy.md has not failed" in refused.err) == (2, True)
    assert navigator.here("ingest", SAMPLES).code == 1
    done = navigator.here("acknowledge", *failed)
    assert done.out == "Acknowledged 3 failed documents.\n"
    try:
        again = navigator.here("ingest", SAMPLES)
        assert again.code == 0
        assert "3 failed" in again.out
        assert "3 failures acknowledged before" in again.err
        assert "protected with a password" not in again.out
        told = navigator.here("status", failed[0]).out
        assert "acknowledged" in told
    finally:
        with psycopg.connect(start_embedded(navigator.home / "postgres")) as connection:
            connection.execute("UPDATE upload_pipeline.upload_jobs SET acknowledged_at = NULL")
    assert navigator.here("ingest", SAMPLES).code == 1


def test_a_plan_tells_new_changed_and_unchanged(navigator: Navigator, tmp_path: Path) -> None:
    """A plan counts only chunks without a vector, foresees failures, and stores nothing."""
    before = navigator.here("status", "--json").json
    known = tmp_path / "copy.md"
    shutil.copy(SAMPLES / "renters-policy.md", known)
    edited = tmp_path / "edited.md"
    edited.write_text((SAMPLES / "renters-policy.md").read_text().replace("windstorm", "hail"))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    planned = navigator.here("plan", tmp_path, SAMPLES / "auto-policy.pdf", "--json")
    assert planned.code == 0
    documents = {each["document"]: each for each in planned.json["documents"]}
    assert documents["auto-policy.pdf"]["outcome"] == "unchanged"
    assert (documents["copy.md"]["outcome"], documents["copy.md"]["new_chunks"]) == ("new", 0)
    assert 1 <= documents["edited.md"]["new_chunks"] <= 3 < documents["edited.md"]["chunks"]
    assert documents["broken.pdf"]["error"]["code"] == "file_is_broken"
    assert planned.json["tokens"] == documents["edited.md"]["tokens"] > 0
    assert navigator.here("status", "--json").json == before


def test_a_dry_run_is_a_plan(navigator: Navigator) -> None:
    """`ingest --dry-run` says what `plan` says."""
    dry = navigator.here("ingest", SAMPLES, "--dry-run")
    assert (dry.code, dry.out) == (0, navigator.here("plan", SAMPLES).out)
    assert "12 unchanged" in dry.out


def test_search_answers_with_the_place(navigator: Navigator) -> None:
    """The best passage comes with its document, page, headings, score and text."""
    asked = ("search", "vandals broke the windows of our empty house", "--limit", 3)
    found = navigator.here(*asked, "--json")
    assert found.code == 0
    best = found.json["passages"][0]
    assert best["document"] == "homeowners-policy.pdf"
    assert best["page_first"] == 4
    assert best["heading_path"][-1] == "Vacancy"
    assert "60 consecutive days" in best["text"]
    shown = navigator.here(*asked).out
    assert "1. homeowners-policy.pdf  edition 01/26  page 4  coverage  relevance" in shown
    assert "Homeowners Policy › Perils Insured Against › Vacancy" in shown


def test_search_keeps_to_its_filters(navigator: Navigator) -> None:
    """Mode, document, tag, role and user narrow a search; one that is not there is wrong use."""
    for mode in ("vector", "text"):
        assert navigator.here("search", "vandalism", "--mode", mode, "--json").json["passages"]
    only = navigator.here("search", "theft", "--document", "renters-policy.md", "--json").json
    assert {each["document"] for each in only["passages"]} == {"renters-policy.md"}
    assert navigator.here("search", "theft", "--tag", "samples", "--json").json["passages"]
    assert not navigator.here("search", "theft", "--tag", "other", "--json").json["passages"]
    excluded = navigator.here("search", "theft", "--role", "exclusion", "--json").json["passages"]
    assert {passage["role"] for passage in excluded} == {"exclusion"}
    assert navigator.here("search", "theft", "--role", "king").code == 2
    other = navigator.here("search", "theft", "--user", "somebody")
    assert (other.code, "nothing to search yet" in other.err) == (0, True)
    assert navigator.here("search", "theft", "--document", "no.pdf").code == 2


def test_search_says_what_another_model_embedded(navigator: Navigator) -> None:
    """With another embedding model than the corpus's, a person learns that only words find it."""
    other = navigator.here(
        "search", "theft", "--mode", "text", "--json",
        OPENAI_API_KEY="sk-never-used", OPENAI_BASE_URL="http://127.0.0.1:1/v1",
    )  # fmt: skip
    assert other.json["documents_in_other_spaces"] == 12
    assert other.json["passages"]


def test_status_sums_up_and_tells_a_story(navigator: Navigator) -> None:
    """Status knows the corpus in figures, and of one document its whole history."""
    corpus = navigator.here("status", "--json").json
    assert corpus["by_state"] == {"complete": 12, "failed_parse": 3}
    assert corpus["chunks"] == sum(corpus["vectors"].values()) > 100
    story = navigator.here("status", SAMPLES / "auto-policy.pdf", "--json").json
    states = [event["to_state"] for event in story["events"]]
    assert (states[0], states[-1]) == ("uploaded", "complete")
    assert set(story["versions"][0]["stage_seconds"]) >= {"parse", "chunk", "embed", "publish"}
    by_id = navigator.here("status", story["document"]["document_id"][:8], "--json").json
    by_job = navigator.here("status", story["versions"][0]["job_id"], "--json").json
    assert by_id == by_job == story
    failed = navigator.here("status", "umbrella-policy-broken.pdf").out
    assert "The PDF is cut off" in failed
    assert "→ Open and save the file again" in failed


def test_list_filters_by_state_and_tag(navigator: Navigator) -> None:
    """A list can be narrowed to a state or a tag, and says how many there are."""
    failed = navigator.here("list", "--state", "failed", "--json").json
    assert failed["total"] == 3
    assert all(each["status"] == "failed" for each in failed["documents"])
    assert navigator.here("list", "--tag", "samples", "--json").json["total"] == 15
    assert navigator.here("list", "--tag", "other", "--json").json["total"] == 0
    few = navigator.here("list", "--limit", 2)
    assert "… and 13 more" in few.err
    assert navigator.here("list", "--state", "nonsense").code == 2


def test_report_is_one_page(navigator: Navigator, tmp_path: Path) -> None:
    """The quality report of the last run or over time is an HTML file where it was asked for."""
    page = tmp_path / "page.html"
    written = navigator.here("report", "--run", "last", "--output", page, "--json")
    assert written.json["report"] == str(page)
    assert page.read_text().startswith("<!doctype html>")
    over_time = navigator.here("report", "--no-open")
    assert str(navigator.home / "reports" / "latest.html") in over_time.out


def test_doctor_finds_a_working_set_up(navigator: Navigator) -> None:
    """Every part is tried, and all work."""
    found = navigator.here("doctor", "--json")
    assert found.code == 0, found.out
    parts = {each["part"]: each["verdict"] for each in found.json["findings"]}
    assert {"Database", "Storage", "Embedder", "Parser", "Quality gate", "Prefect"} <= set(parts)
    assert "problem" not in parts.values()


def test_a_deletion_asks_and_takes_everything(navigator: Navigator, tmp_path: Path) -> None:
    """Without somebody to answer nothing goes; with --yes a document is gone from all searches."""
    asked = navigator.here("delete", "umbrella-policy-broken.pdf")
    assert asked.code == 2
    assert "--yes" in asked.err
    assert navigator.here("list", "--json").json["total"] == 15
    gone = navigator.here("delete", "umbrella-policy-broken.pdf", "--yes", "--json")
    assert (gone.code, len(gone.json["deleted"])) == (0, 1)
    assert navigator.here("list", "--json").json["total"] == 14
    assert navigator.here("status", "umbrella-policy-broken.pdf").code == 2


def test_a_reset_waits_until_nobody_uses_the_database(navigator: Navigator) -> None:
    """This test process holds the database, so a reset refuses and touches nothing."""
    refused = navigator("reset", "--yes")
    assert refused.code == 2
    assert "Wait for it or end it, then reset again." in refused.err
    assert navigator.here("list", "--json").json["total"] > 0


def test_a_page_is_shown_with_its_picture(navigator: Navigator, tmp_path: Path) -> None:
    """What was read of it is printed, and the picture is written where it is wanted."""
    target = tmp_path / "page.png"
    shown = navigator.here("page", "homeowners-policy.pdf", 4, "--output", target)
    assert shown.code == 0
    assert "Vacancy" in shown.out
    assert "homeowners-policy.pdf, page 4 of" in shown.err
    assert target.read_bytes().startswith(b"\x89PNG")
    told = navigator.here("page", "homeowners-policy.pdf", 4, "--json").json
    assert (told["page"], told["published"]) == (4, True)
    assert "Vacancy" in told["text"]
    assert told["chunks"]


def test_a_page_that_is_not_there_is_said(navigator: Navigator, tmp_path: Path) -> None:
    """No such page, no picture of a text, no place to write to: a sentence and code 2 each."""
    for asked, words in (
        (("homeowners-policy.pdf", 99), "not a page 99."),
        (("renters-policy.md", 2), "not a page 2."),
        (("renters-policy.md", 1, "-o", tmp_path / "x.png"), "there is no picture"),
        (("homeowners-policy.pdf", 1, "-o", tmp_path / "no" / "x.png"), "cannot be written"),
        (("nothing.pdf", 1), "There is no document"),
        (("homeowners-policy.pdf", 0), "greater than or equal to 1"),
    ):
        ended = navigator.here("page", *asked)
        assert ended.code == 2
        assert words in ended.err
    text = navigator.here("page", "renters-policy.md")
    assert (text.code, "all of it" in text.err) == (0, True)
