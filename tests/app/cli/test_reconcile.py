"""`navigator reconcile`: dry by default, and its exit code says whether something is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.navigating import Navigator
from tests.flows.working import execute

ORPHAN = """
    INSERT INTO upload_pipeline.ingest_runs (id, user_id, kind, started_at)
    VALUES (gen_random_uuid(), gen_random_uuid(), 'ingest', now() - interval '2 days')
"""


@pytest.fixture
def navigator(module_database_url: str, tmp_path: Path) -> Iterator[Navigator]:
    """The command on a database of the module's own."""
    yield Navigator(tmp_path / "home", {"DATABASE_URL": module_database_url})


def test_it_looks_then_mends_then_has_nothing_to_say(
    navigator: Navigator, module_database_url: str
) -> None:
    """Dry, it changes nothing and ends with 1; after --fix nothing is left and it ends with 0."""
    execute(module_database_url, ORPHAN)
    for _ in range(2):
        dry = navigator.here("reconcile")
        assert dry.code == 1, dry.err
        assert "1 finding, 0 mended, 0 need a person." in dry.out
        assert "navigator reconcile --fix" in dry.err
    mended = navigator.here("reconcile", "--fix", "--json")
    assert mended.code == 0, mended.err
    assert mended.json["kinds"] == {"run_never_finished": {"found": 1, "mended": 1, "person": 0}}
    again = navigator.here("reconcile")
    assert (again.code, again.out) == (0, "Nothing is wrong.\n")
    status = json.loads(navigator.here("status", "--json").out)
    assert status["maintenance"].startswith("Nothing is wrong.")


def test_wrong_use_is_said(navigator: Navigator) -> None:
    """A kind that cannot be asked for, and --also without --fix, end with 2 and a sentence."""
    for arguments in (("--fix", "--also", "job_stopped"), ("--also", "object_unknown")):
        ended = navigator.here("reconcile", *arguments)
        assert ended.code == 2
        assert "object_unknown" in ended.err or "--fix" in ended.err
