"""`python -m app.stack.migration`, the job that brings the schema forward where nobody else may."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.stack.migration import main
from pipeline.store.migrating import head_revision


def test_the_schema_is_brought_forward(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It ends well and says which schema the database has now."""
    monkeypatch.setenv("NAVIGATOR_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("NAVIGATOR_DATABASE_MIGRATIONS", "deployed")
    assert main() == 0
    assert head_revision() in capsys.readouterr().err


def test_no_embedded_database_is_started_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a database of one's own it is wrong use, told in a sentence."""
    monkeypatch.setenv("NAVIGATOR_HOME", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main() == 2
    assert "No database is named" in capsys.readouterr().err
    assert not (tmp_path / "postgres").exists()
