"""The places that CONTRIBUTING names for everyday changes are there."""

from __future__ import annotations

import re

from tests.rooms import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PLACES = re.findall(r"^\| ([^|`]+) \| `([^`]+)` \| `([^`]+)` \|$", PAGE, re.M)


def test_twenty_changes_have_a_place() -> None:
    """The table has twenty changes, each once."""
    changes = [change for change, _, _ in PLACES]
    assert len(changes) == len(set(changes)) == 20


def test_each_place_has_what_is_to_be_looked_for() -> None:
    """The file of a change is there, and the name that the table tells to look for is in it."""
    assert [
        (file, name)
        for _, file, name in PLACES
        if not re.search(rf"\b{re.escape(name)}\b", (ROOT / file).read_text("utf-8"))
    ] == []
