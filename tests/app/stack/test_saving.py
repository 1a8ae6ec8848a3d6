"""Backup and restore: what comes back is what was saved, or nothing changes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from app.stack.state import StackState, holding_stack, write_state
from tests.app.navigating import Navigator

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def saved(navigator: Navigator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the samples, made while their database is in use."""
    path = tmp_path_factory.mktemp("backups") / "samples.backup"
    done = navigator("backup", path, "--json")
    assert done.code == 0, done.err
    assert (done.json["documents"], done.json["missing"]) == (15, 0)
    assert path.stat().st_mode & 0o077 == 0
    return path


def test_there_and_back(navigator: Navigator, saved: Path, scratch: Path) -> None:
    """A restored home answers as the saved one, and holds as much."""
    other = Navigator(scratch / "restored")
    restored = other("restore", saved, "--json")
    assert restored.code == 0, restored.err
    assert restored.json["documents"] == 15
    assert restored.json["objects"] > 15
    question = ("search", "how long do I wait for dental crowns?", "--json")
    assert other(*question).json == navigator(*question).json
    refused = other("restore", saved)
    assert (refused.code, "is not empty" in refused.err) == (2, True)


def test_a_damaged_backup_changes_nothing(saved: Path, tmp_path: Path) -> None:
    """One changed byte of a stored file is found before anything is restored."""
    damaged = tmp_path / "damaged.backup"
    with tarfile.open(saved) as good, tarfile.open(damaged, "w") as bad:
        for member in good.getmembers():
            content = good.extractfile(member)
            assert content is not None
            held = content.read()
            if "/raw/" in member.name:
                held = b"?" + held[1:]
            bad.addfile(member, io.BytesIO(held))
    home = tmp_path / "home"
    refused = Navigator(home).here("restore", damaged)
    assert refused.code == 2
    assert "is damaged" in refused.err
    assert list(home.iterdir()) == []


def test_what_is_no_backup(tmp_path: Path) -> None:
    """A file of another kind is refused in a sentence."""
    other = tmp_path / "other.txt"
    other.write_text("no archive")
    refused = Navigator(tmp_path / "home").here("restore", other)
    assert (refused.code, "is no whole backup" in refused.err) == (2, True)


@pytest.mark.parametrize("kind", ["above", "absolute", "link"])
def test_a_hostile_backup_writes_nothing_outside(tmp_path: Path, kind: str) -> None:
    """A path that leads out of the folder, or a link, is refused before anything is written."""
    outside = tmp_path / "outside"
    names = {"above": "../../../outside", "absolute": str(outside), "link": "objects/a"}
    member = tarfile.TarInfo(names[kind])
    if kind == "link":
        member.type, member.linkname = tarfile.SYMTYPE, str(outside)
    else:
        member.size = 3
    hostile = tmp_path / "hostile.backup"
    with tarfile.open(hostile, "w") as archive:
        archive.addfile(member, io.BytesIO(b"out"))
    home = tmp_path / "home"
    refused = Navigator(home).here("restore", hostile)
    assert (refused.code, "is no whole backup" in refused.err) == (2, True)
    assert not outside.exists()
    assert list(home.iterdir()) == []


def test_no_file_is_overwritten(navigator: Navigator, saved: Path) -> None:
    """A backup never takes the place of another file."""
    before = saved.read_bytes()
    refused = navigator("backup", saved)
    assert (refused.code, "is there already" in refused.err) == (2, True)
    assert saved.read_bytes() == before


def test_only_the_local_default(tmp_path: Path) -> None:
    """A database elsewhere is left to its own tools."""
    url = "postgresql://nobody@127.0.0.1:1/none"
    refused = Navigator(tmp_path / "home").here("backup", tmp_path / "b", DATABASE_URL=url)
    assert (refused.code, "Only the local default" in refused.err) == (2, True)


def test_reset_leaves_a_running_stack_alone(tmp_path: Path) -> None:
    """Neither reset nor restore touches a home on which `navigator up` runs."""
    home = tmp_path / "home"
    with holding_stack(home):
        write_state(home, StackState(1))
        refused = Navigator(home).here("reset", "--yes")
    assert (refused.code, "`navigator up` runs on" in refused.err) == (2, True)
    assert (home / "stack").exists()
