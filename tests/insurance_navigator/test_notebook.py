"""docs/navigator.ipynb, its code cells run in order in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.prefect_server import PrefectServer
from tests.rooms import ROOT

NOTEBOOK = ROOT / "docs" / "navigator.ipynb"

_RUN = """
import json, logging, os, signal, sys, threading

def process():
    umask = os.umask(0o022)
    os.umask(umask)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    logs = logging.getLogger()
    return (dict(os.environ), os.getcwd(), umask, handlers, logs.level, list(logs.handlers),
            threading.active_count())

before = process()
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        print("==", cell["id"])
        exec("".join(cell["source"]), globals())
print("== unchanged")
print(process() == before, "prefect" in sys.modules)
"""


@pytest.fixture(scope="module")
def printed(
    prefect_server: PrefectServer,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """What each code cell prints, by its id."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, NOTEBOOK],
        env={
            **prefect_server.environment,
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": module_database_url,
            "NAVIGATOR_BATCH_SIZE": "20",  # one subflow for all is soonest done
            "NAVIGATOR_HOME": str(tmp_path_factory.mktemp("notebook")),
            "TMPDIR": str(tmp_path_factory.mktemp("letters")),
        },
        cwd=NOTEBOOK.parent, capture_output=True, text=True, timeout=150, umask=0o022,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    blocks = done.stdout.split("== ")[1:]
    return {name: text for name, _, text in (block.partition("\n") for block in blocks)}


def test_it_ingests_the_samples(printed: dict[str, str]) -> None:
    """The samples and the letter are published but for the three that are meant to fail."""
    assert printed["ingest"] == "1 complete, with gaps\n3 failed\n12 published\n"
    assert "umbrella-policy-broken.pdf: The PDF is cut off" in printed["failed"]


def test_it_searches(printed: dict[str, str]) -> None:
    """A question gets the passage that answers it, with its page and role."""
    assert printed["search"].startswith("homeowners-policy.pdf, page 4, coverage\n")
    assert "freezer or refrigerator spoiled" in printed["search"]


def test_it_shows_a_gap(printed: dict[str, str]) -> None:
    """The picture of the letter that nothing reads is told, with what to do about it."""
    assert printed["gap"].startswith("claim-letter.md: ")
    assert "Look there in the original." in printed["gap"]


def test_it_shows_the_status_and_deletes(printed: dict[str, str]) -> None:
    """The figures count what the ingest published; the letter is deleted at the end."""
    assert printed["status"].endswith("3 failed\n12 published\n")
    assert "passages of 13 documents." in printed["status"]
    assert printed["delete"] == "1 deleted\n"


def test_the_program_stays_as_it_was(printed: dict[str, str]) -> None:
    """Environment, folder, umask, signal handlers, logging and threads; Prefect is not imported."""
    assert printed["unchanged"] == "True False\n"


def test_it_is_small_and_without_outputs() -> None:
    """Outputs are not committed: they would go out of date."""
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    assert notebook["nbformat"] == 4
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
