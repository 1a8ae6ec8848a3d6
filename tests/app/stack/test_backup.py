"""Backup and restore: what comes back is what was saved, or nothing changes."""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from app.stack.status_file import StackState, holding_stack, write_state
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.migrating import migrate
from tests.app.navigating import Navigator

MIB = 1024 * 1024

pytestmark = pytest.mark.timeout(300)


def listed(navigator: Navigator) -> int:
    """How many documents `navigator list` tells of."""
    return int(navigator.here("list", "--json").json["total"])


@pytest.fixture(scope="module")
def saved(navigator: Navigator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the samples, made while their database is in use."""
    path = tmp_path_factory.mktemp("backups") / "samples.backup"
    done = navigator("backup", path, "--json")
    assert done.code == 0, done.err
    assert (done.json["documents"], done.json["missing"]) == (listed(navigator), 0)
    assert path.stat().st_mode & 0o077 == 0
    return path


def test_there_and_back(navigator: Navigator, saved: Path, scratch: Path) -> None:
    """A restored home answers as the saved one, and holds as much."""
    other = Navigator(scratch / "restored")
    restored = other("restore", saved, "--json")
    assert restored.code == 0, restored.err
    assert restored.json["documents"] == listed(navigator) == listed(other)
    assert restored.json["objects"] > 15
    question = ("search", "how long do I wait for dental crowns?", "--json")
    assert other(*question).json == navigator(*question).json
    refused = other("restore", saved)
    assert (refused.code, "is not empty" in refused.err) == (2, True)


def test_restored_sources_wait_for_a_person(
    navigator: Navigator, scratch: Path, tmp_path: Path
) -> None:
    """A stranger's backup could name any folder, and two installations would share a mailbox."""
    path = tmp_path / "sources.backup"
    try:
        added = navigator.here("source", "add", "share", "s3://b/x", "--every", "1h", "--no-check")
        assert added.code == 0, added.err
        assert navigator("backup", path).code == 0
    finally:
        assert navigator.here("source", "remove", "share", "--yes").code == 0
    other = Navigator(scratch / "with-sources")
    assert other("restore", path).code == 0
    [source] = other.here("source", "list", "--json").json["sources"]
    assert (source["name"], source["paused"]) == ("share", True)


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


def test_a_restored_home_is_its_owners(navigator: Navigator, saved: Path, scratch: Path) -> None:
    """Objects of a restored home are closed to others, and a second backup is of the same rows."""
    other = Navigator(scratch / "restored")
    for path in (other.home / "objects").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
    assert not (other.home / ".restoring").exists()
    again = other("backup", scratch / "again.backup", "--json")
    assert again.code == 0, again.err
    first, second = (_manifest(each) for each in (saved, scratch / "again.backup"))
    assert first["objects"] == second["objects"]
    assert {name: told["rows"] for name, told in first["tables"].items()} == {
        name: told["rows"] for name, told in second["tables"].items()
    }


def _manifest(path: Path) -> dict[str, Any]:
    with tarfile.open(path) as archive:
        content = archive.extractfile("manifest.json")
        assert content is not None
        found: dict[str, Any] = json.load(content)
        return found


def test_a_restore_that_is_killed_is_not_taken_for_a_corpus(saved: Path, scratch: Path) -> None:
    """kill -9 at work: the next restore says so, a reset empties the home, then it works."""
    other = Navigator(scratch / "killed")
    with other.start("restore", saved) as process:
        while not (other.home / ".restoring").exists():
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
    refused = other("restore", saved)
    assert (refused.code, "was cut off" in refused.err) == (2, True)
    assert other("reset", "--yes").code == 0
    assert other("restore", saved).code == 0


@pytest.mark.slow
@pytest.mark.long
def test_a_large_backup_streams(scratch: Path, tmp_path: Path) -> None:
    """A hundred megabytes: no process holds more of them than of a backup of nothing."""
    peaks = {}
    for name, passages in (("few", 1), ("many", 14_000)):
        saving, path = Navigator(scratch / name), tmp_path / f"{name}.backup"
        fill_with_passages(saving.home / "postgres", passages)
        peaks[name, "backup"] = peak_bytes(saving, "backup", path)
        peaks[name, "restore"] = peak_bytes(Navigator(scratch / f"{name}-2"), "restore", path)
    assert path.stat().st_size > 100 * MIB
    for way in ("backup", "restore"):
        assert peaks["many", way] < peaks["few", way] + 40 * MIB, peaks


def peak_bytes(navigator: Navigator, *arguments: object) -> int:
    """The most memory that a command took; its children are not counted."""
    process = navigator.start(*arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return used.ru_maxrss * 1024


def fill_with_passages(folder: Path, count: int) -> None:
    """A document of so many passages of eight kilobytes, which do not get smaller."""
    url = start_embedded(folder)
    migrate(url)
    user = uuid4()
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path = upload_pipeline")
        connection.execute(
            "INSERT INTO documents (id, user_id, source, name) VALUES (%s, %s, 'x', 'x')",
            [user, user],
        )
        connection.execute(
            "INSERT INTO document_chunks (id, document_id, user_id, ordinal, occurrence, text,"
            " sha256, start_offset, end_offset, heading_path, tokens, search)"
            " SELECT gen_random_uuid(), %s, %s, n, 0, (SELECT string_agg(md5(n || '-' || m), '')"
            " FROM generate_series(1, 256) AS m), md5(n::text), 0, 0, '{}', 1, ''"
            " FROM generate_series(1, %s) AS n",
            [user, user, count],
        )
    stop_embedded(folder)
