"""The wheel: built, installed beside no checkout, and used.

The dependencies come from the environment of the tests, by a path file; our own code does not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.stack.status_file import running_stack
from tests.app.navigating import NEEDLESS
from tests.app.stack.conftest import free_offset, is_up
from tests.rooms import ROOMS, ROOT

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(600)]

FILES = ("pyproject.toml", "README.md", "LICENSE", "prefect.yaml", "samples/files")
UP_SECONDS = 180


@dataclass(frozen=True)
class Installed:
    """An environment into which the wheel was installed, and a home."""

    folder: Path
    home: Path

    def run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run one of its programs in an empty folder; it has to end well."""
        done = subprocess.run(
            [self.folder / "bin" / program, *map(str, arguments)],
            env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the checkout, and no settings but the home."""
        without = {*NEEDLESS, "PYTHONPATH"}
        clean = {name: value for name, value in os.environ.items() if name not in without}
        return {**clean, "NAVIGATOR_HOME": str(self.home), "COLUMNS": "100"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a wheel is built from: building leaves folders beside it."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in (*ROOMS, *FILES):
        source, target = ROOT / name, copy / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copyfile(source, target)
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without an index."""
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-build-isolation", "--wheel-dir", folder, checkout)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, scratch: Path) -> Installed:
    """The wheel in an environment of its own."""
    folder = scratch / "installed"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    packages = Path(_output(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    # Path files inside those folders are not read: the checkout's editable install stays out.
    folders = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "dependencies.pth").write_text("\n".join(folders))
    _pip("--python", python, "install", wheel)
    return Installed(folder, scratch / "wheel-home")


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path, checkout: Path) -> None:
    """Templates, SQL, pages and data beside the code, prefect.yaml and the samples."""
    held = set(zipfile.ZipFile(wheel).namelist())
    files = [path.relative_to(checkout) for room in ROOMS for path in (checkout / room).rglob("*")]
    outside = ("deployments/Dockerfile", "deployments/compose.yaml", "deployments/README.md")
    missing = {
        path.as_posix()
        for path in files
        if (checkout / path).is_file() and path.as_posix() not in outside
    } - held
    assert {name for name in missing if not name.startswith("deployments/")} == set()
    samples = {f"deployments/data/samples/files/{path.name}" for path in _samples()}
    assert {"deployments/data/prefect.yaml", *samples} <= held


def test_imports_come_from_the_wheel(installed: Installed) -> None:
    """Every package of ours, and none from the checkout."""
    code = f"""
import importlib, sys
print(*[list(importlib.import_module(name).__path__)[0] for name in {ROOMS!r}], sep="\\n")
assert {str(ROOT)!r} not in sys.path
"""
    found = installed.run("python", "-c", code).stdout.split()
    assert len(found) == len(ROOMS)
    assert all(Path(path).is_relative_to(installed.folder) for path in found), found


def test_documents_are_taken_in_and_found(installed: Installed) -> None:
    """`navigator --help`, `ingest`, `search` and the Python interface."""
    assert "ingest" in installed.run("navigator", "--help").stdout
    told = installed.run("navigator", "ingest", ROOT / "samples/files/renters-policy.md").stdout
    assert "1 published" in told
    assert "renters-policy.md" in installed.run("navigator", "search", "Is theft covered?").stdout
    code = """
from insurance_navigator import Navigator
with Navigator() as navigator:
    print(navigator.search("Is theft covered?").passages[0].document)
"""
    assert installed.run("python", "-c", code).stdout == "renters-policy.md\n"


def test_the_samples_come_along(installed: Installed) -> None:
    """`navigator seed` finds them among the packages."""
    code = "from pipeline.installation import sample_files; print(*sample_files().iterdir())"
    found = installed.run("python", "-c", code).stdout.split()
    assert sorted(Path(path).name for path in found) == [path.name for path in _samples()]


def test_the_stack_comes_up_and_goes_down(installed: Installed) -> None:
    """Every deployment of the wheel's prefect.yaml is made, and everything becomes healthy."""
    process = subprocess.Popen(
        [installed.folder / "bin" / "navigator", "up", "--only",
         "postgres,prefect,deployments,api", "--port-offset", str(free_offset())],
        env=installed.environment, cwd=installed.folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        _wait_until_up(installed, process)
        assert "Stopped." in installed.run("navigator", "down").stdout
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=100)
    assert running_stack(installed.home) is None


def _wait_until_up(installed: Installed, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while True:
        assert process.poll() is None, process.communicate()[0]
        state = running_stack(installed.home)
        if state is not None and is_up(state):
            break
        assert time.monotonic() < deadline, state
        time.sleep(0.2)
    assert set(state.services) == {"postgres", "prefect", "deployments", "api"}
    assert state.services["deployments"].state == "done"


def _pip(*arguments: object) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    before = ("--python", arguments[1]) if arguments[0] == "--python" else ()
    command, *rest = arguments[len(before) :]
    subprocess.run(
        [sys.executable, "-m", "pip", *map(str, before), str(command), *options, *map(str, rest)],
        check=True, timeout=300,
    )  # fmt: skip


def _output(python: Path, code: str) -> str:
    return subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def _samples() -> list[Path]:
    return sorted((ROOT / "samples" / "files").iterdir())
