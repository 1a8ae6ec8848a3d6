"""`navigator backfill`: planned, refused, listed, paused; and once really run."""

from __future__ import annotations

import asyncio
import os
from unittest.mock import patch
from uuid import UUID

import pytest

from app import backfills
from pipeline.identity import user_id
from pipeline.run_options import RunOptions
from pipeline.settings import load_settings
from stages.backfilling import BackfillOrder
from tests.app.navigating import SAMPLES, Navigator


@pytest.mark.long
def test_a_dry_run_says_what_would_be_done_and_what_would_fail(navigator: Navigator) -> None:
    """Nothing is stored; each document that would fail again is named with its reason."""
    planned = navigator.here("backfill", "--select", "failed", "--dry-run")
    assert planned.code == 0, planned.err
    assert "is tried again" in planned.out
    assert "It would fail: The PDF is protected with a password." in planned.out
    assert "3 documents: a backfill would embed 0 tokens, for $0" in planned.out
    assert navigator.here("backfill", "list", "--json").json["backfills"] == []


def test_filters_of_the_command_reach_the_choice(navigator: Navigator) -> None:
    """A relative path, a tag, a date and a pipeline; what does not fit is left out."""
    asked = ("backfill", "--dry-run", "--json", "--state", "failed", "--tag", "samples")
    here = navigator.here(*asked, "--source", SAMPLES, "--since", "2026-01-01")
    assert here.json["documents"] == 3
    for none in (("--source", SAMPLES / "auto"), ("--until", "2026-01-01"), ("--pipeline", "none"),
                 ("--older-than", "1"), ("--user", "ben")):  # fmt: skip
        assert navigator.here(*asked, *none).json["documents"] == 0, none
    assert navigator.here(*asked, "--everyone", "-n", "2").json["documents"] == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "It is not said which documents to take up."),
        (("--state", "broken"), "There is no state 'broken'"),
        (("--everyone", "--user", "anna", "--select", "failed"), "contradict each other"),
        (("pause", "beef"), "There is no backfill 'beef'"),
        (("resume", "\u00e9"), "There is no backfill"),
        (("--select", "all"), "Invalid value for '--select'"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_sentence(
    navigator: Navigator, arguments: tuple[str, ...], sentence: str
) -> None:
    """Exit code 2, and what to do."""
    ended = navigator.here("backfill", *arguments)
    assert (ended.code, sentence in ended.err) == (2, True), ended.err


def test_nothing_to_do_is_said(navigator: Navigator) -> None:
    """Neither Prefect nor a run is needed for it."""
    ended = navigator.here("backfill", "--select", "outdated")
    assert (ended.code, ended.out) == (0, "No document fits: there is nothing to do.\n")


def test_one_that_is_not_begun_can_be_paused_and_listed(navigator: Navigator) -> None:
    """It stands in the list as what it is; somebody else's is not found without --everyone."""
    with patch.dict(os.environ, navigator.environment, clear=True):
        settings = load_settings()
        order = BackfillOrder("failed", user_id=user_id(settings.user))
        run: UUID | None = asyncio.run(backfills.written_down(settings, order, RunOptions()))
    assert run is not None
    name = str(run)[:8]
    listed = navigator.here("backfill", "list").out
    assert all(each in listed for each in (name, "failed", "not running"))
    foreign = navigator.here("backfill", "pause", name, "--user", "ben")
    assert (foreign.code, "There is no backfill" in foreign.err) == (2, True)
    done = navigator.here("backfill", "pause", name)
    assert done.out == f"The backfill {name} is paused: 0 documents wait.\n"
    shown = navigator.here("backfill", "list", "--everyone", "--json").json["backfills"]
    assert [(each["run_id"], each["standing"]) for each in shown] == [(str(run), "paused")]


@pytest.mark.long
def test_a_backfill_runs_to_its_report(navigator: Navigator) -> None:
    """The same report as of an ingest, with its exit code; then nothing of it is left."""
    ended = navigator("backfill", "--select", "failed", "--max-cost", "1", "--json")
    assert ended.code == 1, ended.err
    assert {each["status"] for each in ended.json["documents"]} == {"failed"}
    assert len(ended.json["documents"]) == 3
    again = navigator("backfill", "resume", ended.json["run_id"])
    assert (again.code, "has ended: nothing of it is left" in again.err) == (2, True)
