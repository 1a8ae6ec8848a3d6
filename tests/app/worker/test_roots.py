"""What runs of the warm worker may read: the folders that its operator named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.worker.conftest import Pool

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def failed(pool: Pool, run_id: str) -> str:
    """What the run says of its failure."""
    run = pool.until(run_id, "FAILED", "COMPLETED", "CRASHED")
    assert run["state_type"] == "FAILED", run["state"]
    return str(run["state"]["message"])


def sources(pool: Pool) -> list[str]:
    return [row[0] for row in pool.query("SELECT source FROM upload_pipeline.documents")]


def test_another_folder_is_refused(pool: Pool) -> None:
    """A run with a path outside fails with what to set, and nothing of it is taken in."""
    pool.worker()
    paths = ["/etc/hostname", "/proc/self/environ", "/root", "/no/such/file"]
    runs = [pool.server.start("ingest", paths=[path], user="mallory") for path in paths]
    for run in runs:
        message = failed(pool, run)
        assert "A path leads out of the folders that this worker may read." in message
        assert "NAVIGATOR_INGEST_ROOTS" in message
    assert not set(paths) & set(sources(pool))


def test_a_link_out_of_a_named_folder_is_refused(pool: Pool, tmp_path: Path) -> None:
    """A link that lies in a named folder does not open another one, even where it is named."""
    (tmp_path / "link.txt").symlink_to("/etc/hostname")
    pool.worker()
    passed_over = pool.server.start("ingest", paths=[str(tmp_path)])
    pool.until(passed_over, "FAILED", "COMPLETED", "CRASHED")
    message = failed(pool, pool.server.start("ingest", paths=[str(tmp_path / "link.txt")]))
    assert "leads out of the folders that this worker may read." in message
    assert "NAVIGATOR_INGEST_ROOTS" in message
    assert not [each for each in sources(pool) if each.startswith(str(tmp_path))]


def test_a_named_folder_is_read(pool: Pool, policy: str) -> None:
    """A run with a path inside is worked off."""
    pool.worker()
    run = pool.until(pool.server.start("ingest", paths=[policy]), "COMPLETED", "FAILED")
    assert run["state"]["message"] == "Documents: 1 published"
