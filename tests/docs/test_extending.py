"""The examples of docs/extending.md, installed as a package of somebody else and used."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.app.navigating import Navigator
from tests.rooms import ROOT

EXAMPLES = ROOT / "docs" / "examples"
ENTRY_POINTS = """\
[insurance_navigator.embedders]
letters = letter_embedder:PLUGIN
broken = nowhere_to_be_found:PLUGIN
[insurance_navigator.parsers]
shouting = shouting_parser:PLUGIN
[insurance_navigator.checks]
claims = policy_checks:PLUGIN
[insurance_navigator.sources]
letters = sqlite_source:PLUGIN
"""
METADATA = "Metadata-Version: 2.1\nName: acme-navigator\nVersion: 1\n"
GOOD = "# Home\n\nPolicy No. 4711. The deductible is 500 dollars for each and every claim.\n"
BAD = "# Letter\n\nThe deductible is 700 dollars for each and every claim that is made.\n"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as pip leaves it: the three files, and what names them."""
    folder = tmp_path_factory.mktemp("package")
    for each in EXAMPLES.glob("*.py"):
        shutil.copy(each, folder)
    information = folder / "acme_navigator-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(METADATA)
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


@pytest.fixture(scope="module")
def navigator(
    package: Path, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Navigator:
    """The command in an environment where the package is installed."""
    path = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
    home = tmp_path_factory.mktemp("home") / "home"
    return Navigator(home, {"PYTHONPATH": path, "DATABASE_URL": module_database_url})


def test_names_stand_in_the_help(navigator: Navigator) -> None:
    """Beside ours, for a person to choose from."""
    shown = navigator("ingest", "--help").out
    assert "local|llamaparse|shouting" in shown
    assert "wordllama|onnx|openai|broken|letters" in shown


def test_a_package_that_cannot_be_loaded_is_named(navigator: Navigator) -> None:
    """One sentence with the package and what is wrong."""
    ended = navigator("search", "deductible", NAVIGATOR_EMBEDDER="broken")
    assert ended.code == 2
    assert "The embedder 'broken' of the package acme-navigator cannot be loaded" in ended.err


@pytest.mark.long
def test_all_three_are_used(navigator: Navigator, tmp_path: Path) -> None:
    """The parser's text is published at its price and found, the rule keeps one back."""
    for name, text in {"good.md": GOOD, "bad.md": BAD}.items():
        (tmp_path / name).write_text(text)
    chosen = {
        "NAVIGATOR_EMBEDDER": "letters",
        "NAVIGATOR_EMBEDDER_OPTIONS": '{"weight": "2"}',
        "NAVIGATOR_PARSER": "shouting",
        "NAVIGATOR_PARSER_OPTIONS": '{"usd_per_page": "0.01"}',
        "NAVIGATOR_CHECKS": "claims",
    }
    ended = navigator("ingest", tmp_path, "--json", **chosen)
    assert ended.code == 1, ended.err
    by_name = {each["document"]: each for each in ended.json["documents"]}
    assert by_name["good.md"]["status"] == "published"
    assert "names 0 policy numbers" in by_name["bad.md"]["error"]["message"]
    assert float(ended.json["cost_usd"]) == pytest.approx(0.02)
    found = navigator("search", "deductible", "--mode", "vector", "--json", **chosen).json
    assert "THE DEDUCTIBLE IS 500 DOLLARS" in found["passages"][0]["text"]
    assert "names_policy_number" in navigator("suites", **chosen).out


@pytest.mark.long
def test_a_source_is_read_by_its_own_rules(navigator: Navigator, tmp_path: Path) -> None:
    """Whose a letter is says its label; the same again reads nothing; what went is deleted."""
    database = tmp_path / "crm.db"
    with closing(sqlite3.connect(database)) as crm, crm:
        crm.execute("CREATE TABLE letters (id, changed, owner, body)")
        letters = [("1", "t1", "anna", GOOD), ("2", "t1", "anna", BAD), ("3", "t1", "ben", GOOD)]
        crm.executemany("INSERT INTO letters VALUES (?, ?, ?, ?)", letters)
    added = navigator(
        "source", "add", "crm", "letters://crm", "--option", f"database={database}",
        "--rights", "tag:owner", "--every", "1h", "--json",
    )  # fmt: skip
    assert added.code == 0, added.err
    assert added.json["found"]["documents"] == 3
    assert added.json["source"]["schedule"] == "every 1h"
    counts = [navigator("source", "run", "crm", "--json").json["counts"] for _ in range(2)]
    assert [each.get("read", 0) for each in counts] == [3, 0]
    assert len(navigator("list", "--user", "anna", "--json").json["documents"]) == 2
    with closing(sqlite3.connect(database)) as crm, crm:
        crm.execute("DELETE FROM letters WHERE id = '1'")
    assert navigator("source", "run", "crm", "--json").json["counts"]["deleted"] == 1
    status = navigator("status", "--user", "ben", "--json").json
    assert [each["name"] for each in status["sources"]] == ["crm"]


def test_no_code_of_a_package_runs_unasked(package: Path) -> None:
    """Names alone are read until one is chosen."""
    (package / "letter_embedder.py").touch()
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pipeline.plugins import CHECKS, EMBEDDERS, PARSERS\n"
        "print(EMBEDDERS.names(), PARSERS.knows('shouting'), CHECKS.names())\n"
        "print([each for each in ('letter_embedder', 'policy_checks') if each in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(package)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
