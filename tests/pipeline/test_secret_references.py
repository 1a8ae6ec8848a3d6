"""References to secrets: where one is, read where the run is, and never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError, UsageError
from pipeline.secret_references import as_options, read_secret, require_reference


def test_a_variable_and_a_file_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's last line break is no part of the secret."""
    monkeypatch.setenv("CLAIMS_KEYS", "hunter2")
    (tmp_path / "secret").write_text("hunter2\n")
    assert read_secret("env:CLAIMS_KEYS") == read_secret(f"file:{tmp_path}/secret") == "hunter2"


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/nowhere", "file:/dev/zero"])
def test_what_is_not_there_is_said(reference: str) -> None:
    """A variable that is not set, a file that is none."""
    with pytest.raises(ConfigurationError, match="credentials"):
        read_secret(reference)


@pytest.mark.parametrize(
    "given", ["hunter2", "env:", "env:a b", "file:secret", "block:A", "env:X\n"]
)
def test_a_secret_itself_is_refused_and_not_repeated(given: str) -> None:
    """It would stand in the database."""
    with pytest.raises(UsageError) as told:
        require_reference(given)
    assert "hunter2" not in str(told.value) + told.value.remedy


def test_json_is_options_and_anything_else_a_password() -> None:
    """Also what only looks like JSON."""
    assert as_options('{"Access_Key_Id": "a", "n": 1}') == {"access_key_id": "a", "n": "1"}
    assert as_options("12345") == {"password": "12345"}
    assert as_options("{open") == {"password": "{open"}
