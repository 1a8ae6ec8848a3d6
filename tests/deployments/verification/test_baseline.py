"""A baseline's file: what is written is read, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployments.verification.baseline import read_baseline, write_baseline
from pipeline.errors import ConfigurationError
from tests.deployments.verification.making import baseline


def test_round_trip(tmp_path: Path) -> None:
    """A baseline is read as it was written, from a file of this user alone."""
    path = tmp_path / "baselines" / "local.json"
    write_baseline(path, baseline())
    assert read_baseline(path) == baseline()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"more": 1}, {"corpus": {}}, {"structure": {"facts": []}}],
    ids=["newer", "unknown key", "damaged", "no structure"],
)
def test_what_is_no_baseline(tmp_path: Path, change: dict[str, Any]) -> None:
    """A file of another format, or one that is damaged, is refused in one sentence."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps(baseline().model_dump(mode="json") | change))
    with pytest.raises(ConfigurationError, match="is no baseline of format 1"):
        read_baseline(path)


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is said so, with what to do."""
    with pytest.raises(ConfigurationError, match="cannot be read") as raised:
        read_baseline(tmp_path / "none.json")
    assert "navigator baseline record" in raised.value.remedy
