"""What every test shares: a real Postgres, migrated once and cloned for each test."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import settings
from xdist.remote import Producer

from app.process.startup import YOUNG_OBJECTS
from pipeline.store.database_urls import driver_url
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.engine import Database
from pipeline.store.migrating import migrate
from tests import bill_checking, lock_checking
from tests.chromium import chromium
from tests.distributing import FromBothEnds, place_of
from tests.prefect_server import fresh_prefect_server, prefect_server

__all__ = ["chromium", "fresh_prefect_server", "prefect_server"]

lock_checking.watch()
bill_checking.watch()

# The suite's imports and what they leave are looked through by the collector again and again.
gc.set_threshold(YOUNG_OBJECTS)

MEMORY = Path("/dev/shm")
MEMORY_BYTES = 4 * 1024**3

# How long one example takes says more of the machine than of the code.
settings.register_profile("navigator", deadline=None)
settings.load_profile("navigator")

# No test reaches a developer's own settings, server or data.
for _name in list(os.environ):
    if _name.startswith(("NAVIGATOR_", "OPENAI_", "LLAMA_")) and not _name.startswith(
        "NAVIGATOR_TEST_"  # which says how much is tested, and on which database
    ):
        del os.environ[_name]
os.environ.pop("DATABASE_URL", None)
# Nothing outlives a command but where that is tested.
os.environ["NAVIGATOR_DATABASE_IDLE_SECONDS"] = "0"
os.environ["NAVIGATOR_ENGINE_IDLE_SECONDS"] = "0"
# Nor a home folder with a file of settings: the default home is where nothing is.
os.environ["XDG_DATA_HOME"] = "/nonexistent"
# A suite started in the background ignores Ctrl-C, and so would the commands that it interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["DO_NOT_TRACK"] = "1"
os.environ["GX_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"


ROOT = Path(__file__).resolve().parents[1]
_SEARCH_PATH = os.environ.get("PATH", "")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FromBothEnds | None:
    """Deal the files out as `tests/distributing.py` says."""
    return FromBothEnds(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; leave out the long tests, unless they are asked for."""
    items.sort(key=lambda item: place_of(item.nodeid))
    if os.environ.get("NAVIGATOR_TEST_LONG"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="long; NAVIGATOR_TEST_LONG=1 runs it"))


def pytest_collection_finish() -> None:
    """What is imported by now stays: the collector need not look through it any more.

    Nor as often through the rest: at Python's own pace it takes an eighth of the suite's time.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """The ledger is the bill, after every fixture of the test that ends with it."""
    try:
        yield
    except BaseException:
        bill_checking.account.forget()
        raise
    bill_checking.check(item)


@pytest.fixture(autouse=True)
def process_as_it_was() -> Iterator[None]:
    """What our commands do to the process that they run in is undone.

    They leave its folder, keep its files private, let its children look for no code in theirs, and
    set variables: one that says how Prefect's server is asked is not for the next test's.
    """
    os.umask(0o022)
    before = dict(os.environ) | {"PATH": _SEARCH_PATH}
    yield
    os.chdir(ROOT)
    os.umask(0o022)
    before["PYTEST_CURRENT_TEST"] = os.environ["PYTEST_CURRENT_TEST"]
    before.pop("PYTHONSAFEPATH", None)
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(autouse=True)
def locks_in_order() -> Iterator[None]:
    """No transaction of a test locks anything out of the store's one order."""
    lock_checking.found.clear()
    yield
    assert not lock_checking.found, "\n\n".join(lock_checking.found)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for the whole session, short enough for Unix sockets."""
    folder = Path(tempfile.mkdtemp(prefix="nav-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_folder(scratch: Path) -> Iterator[Path]:
    """Where the data of the session's Postgres lie: in memory where there is room for them.

    A database is cloned for most tests, which takes 73 ms on a disk and 17 ms in memory.
    """
    try:
        free = shutil.disk_usage(MEMORY).free
    except OSError:
        free = 0
    if free < MEMORY_BYTES:
        yield scratch / "postgres"
        return
    folder = Path(tempfile.mkdtemp(prefix="nav-", dir=MEMORY))
    yield folder / "postgres"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(postgres_folder: Path) -> Iterator[str]:
    """A Postgres to make databases in: the embedded one, or NAVIGATOR_TEST_DATABASE_URL's."""
    if given := os.environ.get("NAVIGATOR_TEST_DATABASE_URL"):
        yield given
        return
    url = start_embedded(postgres_folder)
    # A killed process loses nothing without fsync, only a power cut would: cloning is faster.
    administer(url, "ALTER SYSTEM SET fsync = off")
    administer(url, "SELECT pg_reload_conf()")
    yield url
    # Before its folder goes, or nothing could stop it any more.
    stop_embedded(postgres_folder)


@pytest.fixture(scope="session")
def template(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database that tests clone."""
    name = f"navigator_template_{uuid4().hex[:8]}"
    administer(postgres_url, f"CREATE DATABASE {name}")
    migrate(_in(postgres_url, name))
    yield name
    administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(postgres_url: str, template: str) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    with clone(postgres_url, template) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(postgres_url: str, template: str) -> Iterator[str]:
    """The same for all tests of a module, which fill it once and then only read."""
    with clone(postgres_url, template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's database, open."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@contextmanager
def clone(postgres_url: str, template: str) -> Iterator[str]:
    name = f"navigator_test_{uuid4().hex[:8]}"
    administer(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    url = _in(postgres_url, name)
    try:
        with bill_checking.account.database(url):
            yield url
    finally:
        administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


def administer(url: str, statement: str) -> None:
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(statement)


def _in(url: str, database: str) -> str:
    return sa.make_url(url).set(database=database).render_as_string(hide_password=False)
