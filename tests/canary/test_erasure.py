"""A user of the command line comes, and is erased: what every file of the home then says."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.api.calling import ENCRYPTED
from tests.app.navigating import Ended, Navigator
from tests.canary.spellings import files_naming, spellings
from tests.canary.test_canaries import columns_with
from tests.flows.corpus import policy
from tests.pipeline.parsing.office_files import letter

pytestmark = pytest.mark.slow

USER, TAG, NAME, FOLDER, ENDING = "rotkehlchen", "goldammer", "zaunkönig", "wiesenpieper", "kiebitz"
ALL = (USER, TAG, NAME, FOLDER, ENDING)


@pytest.fixture(scope="module")
def navigator(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Navigator]:
    """The command with a Prefect server of the home, over which a user has taken documents in."""
    home = tmp_path_factory.mktemp("erased") / "home"
    command = Navigator(home, {"DATABASE_URL": module_database_url, "NAVIGATOR_LOG_LEVEL": "DEBUG"})
    folder = tmp_path_factory.mktemp("erased") / FOLDER
    folder.mkdir()
    policy(folder, NAME)
    shutil.copy(ENCRYPTED, folder / f"{NAME}-locked.pdf")
    (folder / f"notes.{ENDING}").write_text("left out")
    note = (
        f"{NAME}-note.md",
        "text/markdown",
        f"# A note\n\n{'It says that all is well. ' * 20}".encode(),
    )
    (folder / f"{NAME}.eml").write_bytes(
        letter("All is well with it. " * 20, files=[note]).as_bytes()
    )
    told = command("ingest", folder, "--user", USER, "--tag", TAG, "--batch-size", "1", "--json")
    assert told.code == 1, told.err
    assert sorted(each["status"] for each in told.json["documents"]) == [
        "failed",
        *["published"] * 3,
    ]
    assert command("retry", "--failed", "--user", USER).code == 1
    assert command("report", "--user", USER).code == 0
    yield command


@pytest.fixture(scope="module")
def before(navigator: Navigator) -> dict[str, set[str]]:
    """What named the user and their documents before the erasure, by the folder of the home."""
    found: dict[str, set[str]] = {}
    for path in files_naming(navigator.home, *ALL):
        found.setdefault(path.split("/")[0], set()).add(path)
    return found


@pytest.mark.long
def test_the_erasure_of_another_leaves_the_report(
    navigator: Navigator, before: dict[str, set[str]]
) -> None:
    """A report goes with those whose documents it is over, and with nobody else."""
    other = navigator("erase", "--user", "somebody-else", "--yes", "--json").json
    assert other["reports"] == 0
    assert "reports/latest.html" in before["reports"]
    assert (navigator.home / "reports" / "latest.html").exists()


@pytest.fixture(scope="module")
def erased(navigator: Navigator, before: dict[str, set[str]]) -> Ended:
    """The erasure."""
    return navigator("erase", "--user", USER, "--yes", "--json")


def test_prefect_is_told_of_runs_and_never_of_names(
    navigator: Navigator, before: dict[str, set[str]]
) -> None:
    """Its database and every other file of it hold the runs, but no user, path, name or tag."""
    assert "prefect" not in before
    with sqlite3.connect(navigator.home / "prefect" / "prefect.db") as connection:
        names = {str(name) for (name,) in connection.execute("SELECT name FROM flow_run")}
        parameters = [json.loads(each) for (each,) in connection.execute(
            "SELECT r.parameters FROM flow_run r JOIN flow f ON f.id = r.flow_id"
            " WHERE f.name = 'ingest'")]  # fmt: skip
        events = connection.execute("SELECT count(*) FROM events").fetchone()
    assert sum(name.startswith("job ") for name in names) >= 3
    assert [each["paths"] for each in parameters] == [[]]
    assert events[0] > 0


def test_before_the_erasure_only_reports_and_objects_name_them(
    before: dict[str, set[str]],
) -> None:
    """Reports are for people; the logs hold neither names nor paths."""
    assert before["reports"]
    assert set(before) <= {"reports", "objects"}


def test_nothing_in_the_home_names_them_afterwards(navigator: Navigator, erased: Ended) -> None:
    """No file of the home, whatever its form, and no column of the database."""
    assert erased.code == 0, erased.err
    done = erased.json
    assert (done["documents"], done["reports"] >= 2) == (4, True)
    assert done["objects"] >= 7
    assert any("Backups" in sentence for sentence in done["left"])
    assert files_naming(navigator.home, *ALL) == set()
    for word in ALL:
        assert columns_with(navigator.variables["DATABASE_URL"], word) == set()


def test_an_erasure_can_be_repeated_and_asks_first(navigator: Navigator, erased: Ended) -> None:
    """Again it finds nothing; without a yes nothing is done."""
    again = navigator("erase", "--user", USER, "--yes", "--json").json
    assert [again[what] for what in ("documents", "objects", "reports")] == [0, 0, 0]
    refused = navigator("erase", "--user", USER)
    assert refused.code == 2
    assert "--yes" in refused.err


@pytest.mark.parametrize(
    "written",
    [
        NAME.encode(),
        f"x{NAME}x".encode("utf-16-le"),
        json.dumps({"name": NAME}).encode(),
        gzip.compress(NAME.encode(), mtime=0),
        b"x" + gzip.compress(json.dumps(NAME).encode(), mtime=0),
    ],
)
def test_the_search_finds_every_form(tmp_path: Path, written: bytes) -> None:
    """A file with the name in any of the forms is found, and one without is not."""
    (tmp_path / "file").write_bytes(written)
    (tmp_path / "other").write_bytes(b"nothing")
    assert files_naming(tmp_path, NAME) == {"file"}
    assert all(spellings(word) for word in ALL)


def test_the_search_finds_a_name_in_a_database(tmp_path: Path) -> None:
    """Also one that lies across pages."""
    values: list[Any] = ["x" * 4000 + NAME + "x" * 4000]
    with sqlite3.connect(tmp_path / "some.db") as connection:
        connection.execute("CREATE TABLE t (value TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", values)
    assert files_naming(tmp_path, NAME) == {"some.db"}
