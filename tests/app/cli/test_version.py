"""`navigator --version`: which release runs."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

from app import version
from tests.app.navigating import ROOT, Navigator


def test_the_version_is_printed_without_reading_any_setting(tmp_path: Path) -> None:
    """`--version` prints name and version and ends with 0, even where the settings are wrong."""
    navigator = Navigator(tmp_path / "home", {"NAVIGATOR_CHUNK_TOKENS": "none"})
    ended = navigator.here("--version")
    assert (ended.code, ended.out) == (0, f"navigator {version.program_version()}\n")
    assert not navigator.home.exists()


def test_without_an_installation_the_checkout_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is not installed, the version is that of pyproject.toml."""
    monkeypatch.setattr(version, "PACKAGE", "insurance-navigator-that-nobody-installed")
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version(version.PACKAGE)
    assert version.program_version() == version.version_of_checkout()


def test_the_changelog_begins_with_the_version_of_the_checkout() -> None:
    """Below "Unreleased" the newest release in the changelog is the one in pyproject.toml."""
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert headings[0] == "Unreleased"
    assert headings[1].split(" ")[0] == version.version_of_checkout()
