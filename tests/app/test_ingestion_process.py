"""The process of an ingest, before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.ingestion import IngestRequest
from app.ingestion_messages import Order
from app.ingestion_process import run
from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings


def test_a_setting_that_would_be_lost_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home's file names a block for a part that the program gives outright: nothing is run."""
    monkeypatch.setenv("NAVIGATOR_HOME", str(tmp_path))
    (tmp_path / ".env").write_text("NAVIGATOR_STORAGE_BLOCK=navigator-storage/archive\n")
    (tmp_path / ".env").chmod(0o600)
    wanted = load_settings(storage_url="file:///srv/objects")
    monkeypatch.setenv("NAVIGATOR_STORAGE_URL", "file:///srv/objects")
    with pytest.raises(ConfigurationError) as raised:
        run(Order(IngestRequest([str(tmp_path)]), wanted))
    assert raised.value.message == (
        "The settings file contradicts what was given outright: storage_block."
    )
