"""Every kind of alert has its entry in the runbook, and every entry its kind."""

from __future__ import annotations

import re

from pipeline.alert_kinds import KINDS
from tests.rooms import ROOT


def test_kinds_and_entries_are_the_same() -> None:
    """Under "Alerts", one heading for each, with what to do."""
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    section = text.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    entries = {each.partition("\n")[0]: each for each in section.split("\n### ")[1:]}
    assert set(entries) == set(KINDS)
    for kind, entry in entries.items():
        assert all(f"**{word}:**" in entry for word in ("Means", "Do", "Over when")), kind


def test_every_kind_that_is_raised_is_known() -> None:
    """A kind is written out where it is raised: each is one of those."""
    named: set[str] = set()
    for room in ("flows", "stages/alerts"):
        for path in (ROOT / room).rglob("*.py"):
            found = re.findall(
                r'tell_(?:news|it_passed)\(\s*parts, "([a-z-]+)"', path.read_text("utf-8")
            )
            named |= set(found)
    assert named
    assert named <= set(KINDS)
