"""Code comes from the installation: nothing beside somebody's documents runs or is believed."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.stack.status_file import running_stack
from pipeline.child_processes import ROOT, absolute_entries, child_environment, module_command
from tests.app.navigating import Ended, Navigator, ended
from tests.app.stack.conftest import RunningStack, free_offset, is_up
from tests.rooms import ROOMS
from tests.security.hostile_folders import SENTENCE, make_hostile

CONSOLE_SCRIPT = "import sys; from app.cli.main import main; sys.exit(main())"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder; its marks lie beside it."""
    folder = tmp_path_factory.mktemp("h") / "documents"
    make_hostile(folder, folder.parent / "marks")
    yield folder


@pytest.fixture(scope="module")
def home(scratch: Path) -> Path:
    """A home folder whose path is short enough for sockets."""
    return scratch / "hostile-home"


def marks(folder: Path) -> list[str]:
    """What of the folder ran."""
    return sorted(path.name for path in (folder.parent / "marks").iterdir())


def start(home: Path, folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """`navigator`, as its console script, with a careless PATH and PYTHONPATH."""
    environment = Navigator(home).environment
    environment["PATH"] = f":.:{environment['PATH']}:"
    script = home.parent / "bin" / "navigator"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!{sys.executable}\n{CONSOLE_SCRIPT}\n")
    script.chmod(0o755)
    return subprocess.Popen(
        [script, *map(str, arguments)], cwd=folder, env=environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(home: Path, folder: Path, *arguments: object) -> Ended:
    """The same to its end."""
    return ended(start(home, folder, *arguments))


@pytest.fixture(scope="module")
def ingested(home: Path, hostile: Path) -> Ended:
    """`navigator ingest . --json`, started in the hostile folder."""
    return run(home, hostile, "ingest", ".", "--json")


@pytest.mark.timeout(600)
def test_ingest_in_a_hostile_folder_runs_nothing_of_it(ingested: Ended, hostile: Path) -> None:
    """No module, program or logging file of the folder leaves a mark, and the work is done."""
    assert ingested.code == 0, ingested.err
    assert marks(hostile) == []
    [document] = ingested.json["documents"]
    assert (document["source"], document["status"]) == (str(hostile / "policy.md"), "published")


def test_ingest_in_a_hostile_folder_believes_nothing_of_it(
    ingested: Ended, home: Path, hostile: Path
) -> None:
    """The document is the operator's own, by the local embedder, and the file is said once."""
    assert ingested.code == 0
    assert ingested.err.count(f"{hostile / '.env'} is not read") == 1
    assert str(home / ".env") in ingested.err
    found = Navigator(home)("search", SENTENCE, "--json").json
    assert found["passages"]


def test_a_relative_path_means_the_folder_of_the_person(ingested: Ended) -> None:
    """Though the flow works in another folder, `.` is the person's and no more is looked at."""
    assert len(ingested.json["documents"]) == 1
    assert ingested.json["skipped"][".py"] > 0


@pytest.mark.long
@pytest.mark.timeout(600)
def test_up_in_a_hostile_folder_runs_nothing_of_it(home: Path, hostile: Path) -> None:
    """Every service starts, is healthy and ends, and nothing of the folder leaves a mark."""
    offset = free_offset()
    process = start(home, hostile, "up", "--port-offset", offset, "--mocks", "on")
    stack = RunningStack(Navigator(home), process, offset)
    try:
        stack.until(is_up, 300)
        state = running_stack(home)
        assert state is not None
        pids = [each.pid for each in state.services.values() if each.pid is not None]
        folders = {str(Path(f"/proc/{pid}/cwd").readlink()) for pid in pids}
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=100)
    assert marks(hostile) == []
    assert str(hostile) not in folders
    logs = "".join(path.read_text("utf-8", "replace") for path in (home / "logs").glob("*.log"))
    assert f"{said}{logs}".count("is not read") == 1


@pytest.mark.parametrize("module", ["app", "mocks", "app.stack.postgres"])
def test_a_child_finds_this_installation_from_everywhere(module: str, tmp_path: Path) -> None:
    """Started by the one helper, a module is ours also where a folder has one of its name."""
    make_hostile(tmp_path / "documents", tmp_path / "marks")
    probe = f"import sys, {module} as m; print(m.__file__); print(sys.path)"
    command = [*module_command("app")[:2], "-c", probe]
    environment = child_environment({**os.environ, "PYTHONPATH": f".::{tmp_path}/theirs"})
    done = subprocess.run(
        command, cwd=tmp_path / "documents", env=environment, capture_output=True, text=True
    )
    where, path = done.stdout.splitlines()
    assert where.startswith(str(ROOT))
    entries = ast.literal_eval(path)
    assert f"{tmp_path}/theirs" in entries, "a person's own absolute entry is kept"
    assert not {"", ".", str(tmp_path / "documents")} & set(entries)
    assert marks(tmp_path / "documents") == []


def test_grandchildren_are_safe_too(tmp_path: Path) -> None:
    """What a child starts by `python -m` or by name takes nothing from the folder either."""
    make_hostile(tmp_path / "documents", tmp_path / "marks")
    program = (
        "import json, shutil, subprocess, sys;"
        "subprocess.run([sys.executable, '-m', 'secrets']);"
        "print(json.dumps([shutil.which('soffice'), shutil.which('initdb')]))"
    )
    environment = child_environment({**os.environ, "PATH": f":{os.environ['PATH']}:."})
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path / "documents", env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not any(
        each and each.startswith((".", str(tmp_path))) for each in json.loads(done.stdout)
    )
    assert marks(tmp_path / "documents") == []


@pytest.mark.parametrize(
    ("given", "left"),
    [("/usr/bin:", "/usr/bin"), (":/a", "/a"), ("/a::b:./c:/d", "/a:/d"), ("", ""), (".", "")],
)
def test_search_paths_lose_what_means_the_current_folder(given: str, left: str) -> None:
    """Empty and relative entries go; the order of the others stays."""
    assert absolute_entries(given) == left


OWN_STARTS = {"pipeline/child_processes.py", "clients/parser_pool/spawning.py", "mocks/instance.py"}


def test_every_start_of_python_goes_through_the_helper() -> None:
    """`sys.executable` starts nothing elsewhere, and nowhere without -P."""
    for path in (each for room in (*ROOMS, "benchmarks") for each in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.List | ast.Tuple):
                continue
            written = [ast.unparse(each) for each in node.elts]
            if "sys.executable" in written:
                assert str(path.relative_to(ROOT)) in OWN_STARTS, path
                assert written[1] == "'-P'", path
