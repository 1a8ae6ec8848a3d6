"""Backups of earlier versions: restored with everything, or refused with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.store.embedded import stop_embedded
from tests.app.navigating import Navigator
from tests.upgrades.earlier_homes import LISTED, SQL_BACKUP, VERSIONS, Running, backup_of, expected

pytestmark = pytest.mark.timeout(300)
RESTORABLE = [version for version in VERSIONS if version != SQL_BACKUP]


@pytest.fixture
def empty(scratch: Path, request: pytest.FixtureRequest) -> Iterator[Navigator]:
    """The command over a home that holds nothing."""
    home = scratch / f"restored-{abs(hash(request.node.name)):x}"
    yield Navigator(home)
    stop_embedded(home / "postgres")


@pytest.mark.parametrize("version", RESTORABLE)
def test_a_backup_comes_back_whole(version: str, empty: Navigator, tmp_path: Path) -> None:
    """Every document, state and chunk id is what it was when that version saved it."""
    restored = empty.here("restore", backup_of(version, tmp_path), "--json")
    assert restored.code == 0, restored.err
    wanted = expected(version)["documents"]
    assert restored.json["documents"] == sum(not each["deleted"] for each in wanted)
    assert restored.json["missing"] == 0
    assert Running(empty.home / "postgres").ask(LISTED) == (wanted,)
    assert empty.here("chunking", "--json").json["tokens"] == 400  # as they were cut


def test_a_backup_that_holds_sql_is_refused(empty: Navigator, tmp_path: Path) -> None:
    """Nothing of it is executed, the home stays empty, and the sentence says what to do."""
    refused = empty.here("restore", backup_of(SQL_BACKUP, tmp_path))
    assert refused.code == 2
    assert "it holds SQL, which is not executed" in refused.err
    assert "`navigator backup` there, after the update" in " ".join(refused.err.split())
    assert list(empty.home.iterdir()) == []
