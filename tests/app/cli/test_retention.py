"""`navigator hold`, `retention` and `evidence`, as an operator uses them one after the other."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from app.cli.retention import days_of
from pipeline.errors import UsageError
from tests.app.navigating import Navigator


@pytest.fixture
def navigator(database_url: str, tmp_path: Path) -> Navigator:
    """The command on a database of the test's own."""
    return Navigator(tmp_path / "home", {"DATABASE_URL": database_url})


def test_a_hold_a_rule_and_their_evidence(navigator: Navigator, tmp_path: Path) -> None:
    """From nothing to a lifted hold; what is wrong is told in a sentence."""
    assert "There are no holds" in navigator.here("hold", "list").err
    nothing = navigator.here("hold", "place", "--reason", "matter 17")
    assert nothing.code == 2 and "names what it is on" in nothing.err
    placed = navigator.here("hold", "place", "--tag", "claims", "--reason", "matter 17", "--json")
    assert (placed.json["tag"], placed.json["documents"]) == ("claims", 0)
    shown = navigator.here("hold", "list").out
    assert "documents with the tag claims" in shown and "matter 17" in shown
    assert "every document is kept" in navigator.here("retention", "list").err
    made = navigator.here("retention", "set", "all", "--keep", "7y")
    assert "Set all: kept for 2,555 days; 0 are past it now." in made.out, made.err
    assert "all documents" in navigator.here("retention", "list").out
    assert navigator.here("retention", "apply", "--dry-run").out.startswith("0 documents would go")
    folder = tmp_path / "evidence"
    folder.mkdir()
    gathered = navigator.here("evidence", "--out", folder)
    assert "Storage limitation" in gathered.out, gathered.err
    facts = json.loads((folder / "evidence.json").read_text("utf-8"))["facts"]
    assert all(facts["row_level_security"].values())
    assert [each["name"] for each in facts["retention_rules"]] == ["all"]
    assert [each["reason"] for each in facts["holds"]] == ["matter 17"]
    with (folder / "access-log.csv").open() as log:
        assert len(list(csv.DictReader(log))) == facts["access_log"]["rows"]
    assert (folder / "evidence.json").stat().st_mode & 0o077 == 0
    name = placed.json["id"][:8]
    assert f"Lifted {name}." in navigator.here("hold", "lift", name, "--reason", "settled").out
    again = navigator.here("hold", "lift", name, "--reason", "settled")
    assert again.code == 2 and "names no hold in force" in again.err
    assert navigator.here("retention", "remove", "all").code == 0


@pytest.mark.parametrize(
    ("given", "days"), [("90d", 90), ("26w", 182), ("18m", 540), ("7Y", 2555), ("100y", 36500)]
)
def test_times_are_read(given: str, days: int) -> None:
    """Days, weeks, months of 30 days and years of 365."""
    assert days_of(given) == days


@pytest.mark.parametrize("given", ["", "d", "7", "-7d", "0d", "7x", "٧d", "1.5y", "9" * 40 + "d"])
def test_what_is_no_time_is_told(given: str) -> None:
    """In one sentence, with examples."""
    with pytest.raises(UsageError, match="no time"):
        days_of(given)
