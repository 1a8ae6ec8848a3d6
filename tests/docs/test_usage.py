"""docs/usage.md has every command."""

from __future__ import annotations

from app.cli.main import COMMANDS
from tests.rooms import ROOT


def test_every_command_stands_in_the_page_as_help_says_it() -> None:
    """Each command of `navigator --help` has a row in docs/usage.md, with the same sentence."""
    page = (ROOT / "docs" / "usage.md").read_text("utf-8")
    missing = [
        name for name, says in COMMANDS.items() if f"| `navigator {name}` | {says} |" not in page
    ]
    assert missing == []
