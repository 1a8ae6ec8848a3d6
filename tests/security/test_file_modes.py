"""The home folder is its owner's alone, from the first moment of every file in it."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from clients.parser_pool.sandbox import ParserPool
from clients.storage.object_storage import Storage
from pipeline.errors import ConfigurationError
from pipeline.parsing.media import MediaType
from pipeline.private_files import open_home, write_private
from pipeline.settings import Settings
from pipeline.store.embedded import stop_embedded
from stages.services import open_storage
from tests.app.navigating import Navigator

OTHERS = 0o077


@contextmanager
def careless() -> Iterator[None]:
    """Children of this process start with a umask that keeps nobody out."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def opened(home: Path) -> set[str]:
    """What of a folder, itself included, others may use now; links are not followed."""
    found: set[str] = set()
    for here, folders, files in os.walk(home):
        for path in (here, *(f"{here}/{name}" for name in (*folders, *files))):
            with suppress(FileNotFoundError):
                seen = os.lstat(path)
                if not stat.S_ISLNK(seen.st_mode) and seen.st_mode & OTHERS:
                    found.add(f"{path} {stat.S_IMODE(seen.st_mode):04o}")
    return found


class Watch:
    """Looks at a folder again and again, and remembers what was ever open to others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.ever: set[str] = set()
        self.looks = 0

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.ever |= opened(self._folder)
            self.looks += 1

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def names(folder: Path) -> set[str]:
    """What lies in a folder."""
    return {each.name for each in folder.iterdir()}


def modes(folder: Path) -> dict[Path, int]:
    """The mode of a folder and of each above it."""
    return {each: stat.S_IMODE(each.stat().st_mode) for each in (folder, *folder.parents)}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_file_of_the_home_is_ever_open_to_others(tmp_path: Path) -> None:
    """With umask 000, ingest, report and backup leave nothing that others may read, nor did."""
    parent, out = tmp_path / "parent", tmp_path / "out"
    for folder, mode in ((parent, 0o755), (out, 0o700)):
        folder.mkdir()
        folder.chmod(mode)
    before = modes(parent)
    document = tmp_path / "policy.md"
    document.write_text("# Dental\n\nCrowns are covered after a waiting period of six months.\n")
    report, backup = out / "report.html", out / "saved.tar"
    report.write_text("a page that everybody could read")
    report.chmod(0o666)
    navigator = Navigator(parent / "home", prepared=False)
    with careless(), Watch(navigator.home) as home, Watch(out) as beside:
        for arguments in (
            ("ingest", document),
            ("report", "--output", report),
            ("backup", backup),
            ("token", "--user", "anna"),
        ):
            ended = navigator(*arguments)
            assert ended.code == 0, ended.err
    assert min(home.looks, beside.looks) > 10
    assert home.ever | opened(navigator.home) == set()
    assert beside.ever <= {f"{report} 0666"}
    assert opened(out) == set()
    assert names(out) == {report.name, backup.name}
    assert {"objects", "postgres", "prefect", "reports", "logs"} <= names(navigator.home)
    assert modes(parent) == before


async def test_a_home_opened_from_python_is_private(tmp_path: Path) -> None:
    """A flow or a script of one's own that opens the storage makes private files too."""
    settings = Settings(home=tmp_path / "home")
    with careless():
        storage = await open_storage(settings)
        await storage.put("a/b/c", b"words")
    assert (settings.home / "objects" / "a" / "b" / "c").read_bytes() == b"words"
    assert opened(settings.home) == set()


async def test_a_storage_folder_elsewhere_is_private(tmp_path: Path) -> None:
    """So are the objects of a folder that NAVIGATOR_STORAGE_URL names."""
    with careless():
        storage = Storage((tmp_path / "elsewhere" / "objects").as_uri())
        await storage.put("a/b", b"words")
    assert opened(tmp_path / "elsewhere") == set()


async def test_a_parser_worker_makes_private_files() -> None:
    """Whatever a parser writes aside while it reads a document is its owner's alone."""
    with careless():
        others = set(psutil.Process().children())
        async with ParserPool(1) as pool:
            await pool.parse(b"<html><body><p>A page.</p></body></html>", MediaType.HTML)
            children = set(psutil.Process().children()) - others
            masks = {umask(each.pid) for each in children if each.is_running()}
    assert masks == {"0077"}


def umask(pid: int) -> str:
    """The umask of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(line.split()[1] for line in lines if line.startswith("Umask:"))


def test_what_is_written_for_a_person_is_theirs_alone(tmp_path: Path) -> None:
    """A file in the place of one that everybody could read is private, and never was not."""
    path = tmp_path / "page.html"
    path.write_text("old")
    path.chmod(0o666)
    with careless():
        write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == {"page.html"}


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_a_home_in_which_others_write_is_refused(tmp_path: Path, mode: int) -> None:
    """Whoever may write in a home could plant what this program then reads or follows."""
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    with pytest.raises(ConfigurationError, match="can be written by everybody") as refused:
        open_home(home)
    assert "doctor --fix" in refused.value.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_a_home_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Its owner could change everything in it."""
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    with pytest.raises(ConfigurationError, match="belongs to nobody, not to root"):
        open_home(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_a_group_of_others_may_not_write_in_a_home(tmp_path: Path) -> None:
    """The group that is the account's own, with nobody else in it, may."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    home.chmod(0o770)
    open_home(home)
    os.chown(home, 0, 65534)
    with pytest.raises(ConfigurationError, match="can be written by the group nogroup"):
        open_home(home)


def test_commands_refuse_such_a_home_in_a_sentence(tmp_path: Path) -> None:
    """The sentence names the folder and what to do; nothing is made in it."""
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o777)
    ended = Navigator(home).here("status")
    assert ended.code == 2
    assert "can be written by everybody (mode 0777)" in ended.err
    assert "navigator doctor --fix" in ended.err
    assert names(home) == set()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home folder whose Postgres ends with the test."""
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o700)
    yield folder
    stop_embedded(folder / "postgres")


def test_doctor_closes_what_is_open_and_nothing_else(tmp_path: Path, home: Path) -> None:
    """Files, folders and sockets of the home are closed; what its links name is left alone."""
    outside = tmp_path / "outside"
    for folder in (outside, home / "logs"):
        folder.mkdir()
    for path in (outside / "theirs", outside / "shared", home / "logs" / "api.jsonl"):
        path.write_text("words")
        path.chmod(0o644)
    (home / "link").symlink_to(outside / "theirs")
    (home / "folder").symlink_to(outside)
    os.link(outside / "shared", home / "shared")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(home / "socket"))
    (home / "socket").chmod(0o666)
    (home / "run").write_text("#!/bin/sh")
    (home / "run").chmod(0o755)
    for folder in (home, home / "logs", outside):
        folder.chmod(0o755)
    done = Navigator(home).here("doctor", "--fix", "--json").json
    assert {line.split(" (")[0] for line in done["fixed"]["closed"]} == {
        str(home / name) if name else str(home)
        for name in ("", "logs", "logs/api.jsonl", "socket", "run")
    }
    [left] = done["fixed"]["left"]
    assert left.startswith(str(home / "shared"))
    assert "another name" in left
    for path in (outside / "theirs", outside / "shared"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert stat.S_IMODE((home / "run").stat().st_mode) == 0o700
    assert {line.split()[0] for line in opened(home)} == {str(home / "shared")}


def test_doctor_names_what_is_open(home: Path) -> None:
    """How many there are, and the first few with their modes; and how to close them."""
    (home / "reports").mkdir()
    (home / "reports").chmod(0o700)
    for number in range(5):
        (home / "reports" / f"{number}.html").write_text("page")
        (home / "reports" / f"{number}.html").chmod(0o644)
    found = Navigator(home).here("doctor", "--json").json
    [line] = [each for each in found["protections"] if each["part"] == "File modes"]
    assert line["verdict"] == "problem"
    assert line["detail"].startswith("5 open wider")
    assert line["detail"].count(".html (mode 0644)") == 3
    assert "doctor --fix" in line["remedy"]
    assert not found["ok"]
