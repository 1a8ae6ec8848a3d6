"""A home folder into which the samples were ingested once, and a Prefect server to share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.store.embedded import start_embedded, stop_embedded
from tests.app.navigating import ROOT, SAMPLES, Ended, Navigator


@pytest.fixture(scope="session")
def corpus(scratch: Path) -> Iterator[Navigator]:
    """The command over the home of the samples. Tests that change it put it back."""
    home = scratch / "corpus"
    # Held by this process too, so that not every command has to start it.
    start_embedded(home / "postgres")
    yield Navigator(home)
    # Before its folder goes, or nothing could stop it any more.
    stop_embedded(home / "postgres")


@pytest.fixture(scope="session")
def first_ingest(corpus: Navigator) -> Ended:
    """The samples taken in, on the embedded default and with a Prefect server of our own."""
    return corpus("ingest", SAMPLES, "--batch-size", 20, "--tag", "samples", "--json")


@pytest.fixture(scope="session")
def navigator(corpus: Navigator, first_ingest: Ended) -> Navigator:
    """The command over a corpus of twelve published samples and three that failed."""
    assert first_ingest.code == 1, first_ingest.err
    return corpus


_SERVE = """
import sys
from pathlib import Path
from app.prefect.server import provide_prefect
print(provide_prefect(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def prefect_url(navigator: Navigator) -> Iterator[str]:
    """A Prefect server that outlives the commands, as PREFECT_API_URL names one.

    It takes over the database of the first ingest's server, which is migrated already.
    """
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(navigator.home)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    with server.stdin, server.stdout:
        yield server.stdout.readline().strip()
    server.wait(30)
