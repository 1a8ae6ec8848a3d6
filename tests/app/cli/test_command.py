"""The command itself: quick, lazy, helpful, and the same by every name."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from app.command import main as command
from app.terminal.snippets import highlighted, snippet
from pipeline.highlights import question_words
from tests.app.navigating import ROOT, SAMPLES, Navigator

COMMANDS = (
    "ingest", "plan", "search", "status", "list", "page", "retry", "delete", "erase", "report",
    "doctor", "reset",
)  # fmt: skip


def test_navigator_is_installed_under_its_name() -> None:
    """The package's entry point is the command line."""
    (script,) = entry_points(group="console_scripts", name="navigator")
    assert script.load() is command


def test_help_is_quick_and_names_every_command(corpus: Navigator) -> None:
    """`--help` imports little more than what prints it, and starts nothing."""
    ended = corpus("--help")
    assert ended.code == 0
    assert all(f"  {command}" in ended.out for command in COMMANDS)
    printing = _child_seconds(
        lambda: subprocess.run([sys.executable, "-c", "import typer.rich_utils"])
    )
    assert _child_seconds(lambda: corpus("--help")) < 3 * printing


def _child_seconds(work: Callable[[], object]) -> float:
    """The processor time of a process that some work starts; of three tries the least."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        work()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime - before.ru_utime)
    return min(spent)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(corpus: Navigator, command: str) -> None:
    """Each command says what it does and takes."""
    ended = corpus.here(command, "--help")
    assert ended.code == 0
    assert f"Usage: navigator {command}" in ended.out


def test_completion_can_be_shown(corpus: Navigator) -> None:
    """A shell's completion script is printed on demand, and completes commands."""
    ended = corpus(_NAVIGATOR_COMPLETE="complete_bash", COMP_WORDS="navigator ing", COMP_CWORD="1")
    assert ended.out.split() == ["ingest"]


_IMPORTS = """
import sys
from app.cli.main import app
try:
    app(sys.argv[1:], prog_name="navigator")
except SystemExit:
    pass
print(sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments", [["search", "theft"], ["ingest", SAMPLES / "renters-policy.md"]]
)
def test_reading_commands_import_neither_prefect_nor_great_expectations(
    navigator: Navigator, arguments: list[str | Path]
) -> None:
    """A search, or an ingest that finds nothing to do, stays free of the heavy parts."""
    ended = subprocess.run(
        [sys.executable, "-c", _IMPORTS, *arguments],
        cwd=ROOT,
        env=navigator.environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ended.stdout
    modules = ended.stderr.splitlines()[-1]
    assert "sqlalchemy" in modules
    for heavy in ("'prefect'", "'great_expectations'", "'pandas'", "'openai'", "'liteparse'"):
        assert heavy not in modules


def test_a_reader_that_goes_away_is_no_error(navigator: Navigator) -> None:
    """`navigator list | head -1` ends without a word about the broken pipe."""
    process = navigator.start("list", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) in (0, 1)


def test_a_snippet_shows_the_densest_place() -> None:
    """Of a long passage the part with the question's words is shown, tables as lines."""
    text = (
        "# Heading\n\nNothing of note here. " * 20
        + "\n\n| Item | Limit |\n|---|---|\n| **Guns** | $2,500 |"
    )
    words = question_words("Up to what limit are guns covered?")
    shown = snippet(text, words, 60)
    assert shown.startswith("… ")
    assert "Guns · $2,500" in shown
    assert "|" not in shown
    marked = highlighted(shown, words)
    assert {marked.plain[span.start : span.end] for span in marked.spans} == {"Limit", "Guns"}


def test_python_runs_the_command_too(tmp_path: Path) -> None:
    """`python -m app` is the command, whatever the working folder."""
    ended = Navigator(tmp_path / "home")("reset", "--yes")
    assert (ended.code, "There is nothing in" in ended.out) == (0, True)
