"""docs/troubleshooting.md quotes what the program says, and docs/runbook.md what it measures."""

from __future__ import annotations

import re
from functools import cache

from pipeline.errors import ParseCode
from tests.rooms import ROOMS, ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
# Typer's own words.
OF_LIBRARIES = {"No such command", "Missing argument"}
_JOINED = re.compile(r"""["']\s*\n\s*f?["']""")


@cache
def sources() -> str:
    """The code of every room, strings that go over several lines in one."""
    files = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return _JOINED.sub("", "\n".join(path.read_text("utf-8") for path in files))


def quoted() -> list[str]:
    """The messages of the page: what stands between backticks in a cell that begins a row, or in
    the second cell of the table of codes."""
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
    coded = {code.value for code in ParseCode} | {"quarantined", "input_too_long", "broken_gate"}
    cells = [row[1] if set(re.findall(r"`(\w+)`", row[0])) & coded else row[0] for row in rows]
    return [each for cell in cells for each in re.findall(r"`([^`]+)`", cell)]


def test_every_quoted_message_stands_in_the_code() -> None:
    """A message of the page is one that the program says, whatever its `…` stands for."""
    messages = set(quoted()) - OF_LIBRARIES
    assert messages
    assert all(each.strip("…. ") for each in messages)
    parts = {part for each in messages for part in re.split(r"\s*…\s*", each)}
    assert {part for part in parts if part not in sources()} == set()


def test_every_code_of_a_failed_parse_is_explained() -> None:
    """Whoever sees a code of a failed parse finds it in the page."""
    missing = {code.value for code in ParseCode if f"`{code.value}`" not in PAGE}
    assert missing == {ParseCode.NO_PAGE.value}  # of a request for a page, not of a document


def test_every_metric_of_the_runbook_is_exported() -> None:
    """What the runbook tells to watch is a metric of ours."""
    # Prometheus's form of a counter ends with `_total`, which the library adds
    named = {each.removesuffix("_total") for each in re.findall(r"\bnavigator_[a-z_]+", RUNBOOK)}
    assert named
    assert {each for each in named if f'"{each}"' not in sources()} == set()


def test_every_alert_of_the_runbook_is_sent() -> None:
    """The subjects of alerts that the runbook quotes are those of the program."""
    from pipeline.alert_kinds import KINDS

    told = set(re.findall(r"alert \*([A-Z][^*]+)\*", RUNBOOK))
    assert len(told) == 5
    assert told <= {each.title for each in KINDS.values()}


def test_every_finding_of_the_runbook_is_a_kind() -> None:
    """The kinds of damage that the runbook names are those that maintenance looks for."""
    from pipeline.finding_kinds import Kind

    named = {
        each
        for line in RUNBOOK.splitlines()
        if "find" in line
        for each in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", line)
    }
    assert named
    assert named <= {kind.value for kind in Kind} | {"disk_full"}
