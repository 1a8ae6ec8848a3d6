"""RPO and RTO: a backup while documents are taken in, a home destroyed, and all of it back.

Half of the documents are published; while the other half is taken in, a backup is saved. Then the
home is removed with everything that runs on it, and restored into an empty one. Counts and hashes
of everything that is published are compared, and the folder is taken in once more, which brings
back what came after the backup.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from app.chaos.database_view import Watch
from app.chaos.oracle import Corpus
from benchmarks.corpus import write_corpus
from benchmarks.reliability.commands import Navigator
from benchmarks.reliability.system import System, system, waiting
from benchmarks.servers import endpoint
from pipeline.identity import user_id
from pipeline.store.embedded import open_embedded, stop_embedded
from pipeline.store.embedded_access import ADMINISTRATOR, address

USER = "recovery"
_PATIENCE_SECONDS = 300.0


def measure(scratch: Path, sizes: Sequence[int]) -> dict[str, Any]:
    """Each size once, in a home of its own."""
    found = {}
    for documents in sizes:
        found[str(documents)] = _measured(scratch / str(documents), documents)
        print(f"recovery of {documents}: {found[str(documents)]}", file=sys.stderr, flush=True)
    return found


def _measured(scratch: Path, documents: int) -> dict[str, Any]:
    halves = [scratch / "documents" / name for name in ("first", "second")]
    paths = write_corpus(halves[0], documents)
    halves[1].mkdir()
    for path in paths[documents // 2 :]:
        path.rename(halves[1] / path.name)
    with endpoint() as mock:
        variables = {
            "OPENAI_API_KEY": "sk-benchmark", "OPENAI_BASE_URL": mock.openai_url,
            "NAVIGATOR_DATABASE_IDLE_SECONDS": "0", "NAVIGATOR_ENGINE_IDLE_SECONDS": "0",
        }  # fmt: skip
        navigator = Navigator(scratch / "home", variables)
        navigator.json("ingest", halves[0], "--user", USER)
        saved = _backup_while_ingesting(navigator, halves[1], scratch / "home.backup")
        lost, sizes = _corpus(navigator.home), _sizes(navigator.home)
        shutil.rmtree(navigator.home)
        billed = mock.stats()["billed_tokens"]
        began = time.monotonic()
        filled = navigator.json("restore", scratch / "home.backup")
        seconds = time.monotonic() - began
        restored = _corpus(navigator.home)
        back = _started(navigator, seconds) | {"restored_documents": filled["documents"]}
        again = navigator.json("ingest", *halves, "--user", USER)
        return {
            "documents": documents,
            **saved,
            **sizes,
            **back,
            **compared(lost, restored),
            "again_tokens": mock.stats()["billed_tokens"] - billed,
            "all_tokens": billed,
            "again_published": sum(each["status"] != "failed" for each in again["documents"]),
            "again_equal": _hashes(_corpus(navigator.home)) == _hashes(lost),
        }


def _backup_while_ingesting(navigator: Navigator, folder: Path, path: Path) -> dict[str, Any]:
    """Save a backup once documents of the folder are registered; wait until all are published."""
    with _held(navigator.home) as watch:
        before = len(watch.corpus(user_id(USER)).standings)
        ingesting = navigator.start("ingest", folder, "--user", USER)
        while len(watch.corpus(user_id(USER)).standings) == before and ingesting.poll() is None:
            time.sleep(0.05)
        began = time.monotonic()
        saved = navigator.json("backup", path)
        seconds = time.monotonic() - began
        under_way = ingesting.poll() is None
        ingesting.communicate()
    return {
        "backup_seconds": round(seconds, 2),
        "backup_bytes": saved["size"],
        "backup_documents": saved["documents"],
        "ingesting_meanwhile": under_way,
    }


def _started(navigator: Navigator, restored: float) -> dict[str, Any]:
    """Start everything on a home that was restored in so many seconds, and try it."""
    began = time.monotonic()
    with system(navigator, mocks="off") as running:
        up = time.monotonic()
        tried = navigator.json("check", "--url", running.url("api"))
        checked = time.monotonic()
        went_on = _until_nothing_waits(running)
    return {
        "restore_seconds": round(restored, 2),
        "up_seconds": round(up - began, 2),
        "check_seconds": round(checked - up, 2),
        "rto_seconds": round(restored + checked - began, 2),
        "check_passed": tried["passed"],
        "went_on_seconds": went_on,
    }


def _until_nothing_waits(running: System) -> float | None:
    """Seconds until what was under way in the backup has ended by itself; None: it still waits."""
    since = time.monotonic()
    with running.client(USER) as client:
        while waiting(client) != []:
            if time.monotonic() - since > _PATIENCE_SECONDS:
                return None
            time.sleep(0.2)
    return round(time.monotonic() - since, 1)


def compared(lost: Corpus, restored: Corpus) -> dict[str, Any]:
    """What of the destroyed home is back; a passage is back when text and vector are the same."""
    before, after = _hashes(lost), _hashes(restored)
    return {
        "passages": len(after),
        "passages_of": len(before),
        "passages_other": len(after - before),
        "published": len({each[0] for each in after}),
        "published_of": len({each[0] for each in before}),
        "accepted": len(restored.standings),
        "accepted_of": len(lost.standings),
    }


def _hashes(corpus: Corpus) -> set[tuple[Any, ...]]:
    return {(each.source, each.ordinal, each.text, each.vector) for each in corpus.passages}


def _corpus(home: Path) -> Corpus:
    with _held(home) as watch:
        return watch.corpus(user_id(USER))


def _sizes(home: Path) -> dict[str, int]:
    """Bytes of the database and of the stored files."""
    with _held(home), psycopg.connect(address(home / "postgres", ADMINISTRATOR)) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    files = (each for each in (home / "objects").rglob("*") if each.is_file())
    return {"database_bytes": row[0], "objects_bytes": sum(each.stat().st_size for each in files)}


@contextmanager
def _held(home: Path) -> Iterator[Watch]:
    """The home's database, open; it may be removed afterwards."""
    addresses = open_embedded(home / "postgres")
    try:
        with Watch(addresses) as watch:
            yield watch
    finally:
        stop_embedded(home / "postgres")
