"""Trying a mutation: a copy of the tree, one guard taken out of it, the tests run there.

The checkout itself is never edited.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.mutation import ROOT, Mutation

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info", "results"
)
_MINUTES = 20
_TEST_SECONDS = 120
_FAILED = re.compile(r"^FAILED (\S+)", re.MULTILINE)
_BROKEN = re.compile(r"^ERROR (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests said.

    Attributes:
        failed: tests whose assertion, or whose own time limit, failed.
        broken: tests that could not be set up: the mutation is no fair one.
        output: pytest's last lines.
    """

    code: int
    failed: tuple[str, ...]
    broken: tuple[str, ...]
    output: str

    @property
    def verdict(self) -> str:
        """``killed``, ``survived``, or ``broken`` when nothing can be concluded."""
        if self.failed:
            return "killed"
        return "survived" if self.code == 0 else "broken"


class Tree:
    """A copy of the tree in which mutations are tried, one after the other.

    Args:
        database_url: a Postgres in which the tests make their databases.
    """

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(folder),
            "NAVIGATOR_TEST_DATABASE_URL": database_url,
        }

    def unmutated(self, mutations: Sequence[Mutation]) -> Outcome:
        """Run every test that the mutations name, on the tree as it is."""
        tests = dict.fromkeys(test for each in mutations for test in each.tests)
        return self._run(list(tests), stop_at_first=False)

    def attempt(self, mutation: Mutation) -> Outcome:
        """Take the guard out, run its tests, put it back."""
        path = self._folder / mutation.file
        before = path.read_text("utf-8")
        self._write(path, mutation.applied(before))
        try:
            return self._run(mutation.tests, stop_at_first=True)
        finally:
            self._write(path, before)

    @staticmethod
    def _write(path: Path, source: str) -> None:
        path.write_text(source, "utf-8")
        # Bytecode is taken for current by its size and second, which may both be the same.
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)

    def _run(self, tests: Sequence[str], *, stop_at_first: bool) -> Outcome:
        command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=line", "-p", "no:randomly",
                   "-p", "no:cacheprovider", f"--timeout={_TEST_SECONDS}"]  # fmt: skip
        process = subprocess.Popen(
            [*command, *(["-x"] if stop_at_first else []), *tests],
            cwd=self._folder, env=self._environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=_MINUTES * 60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        failed, broken = _FAILED.findall(output), _BROKEN.findall(output)
        return Outcome(process.returncode, tuple(failed), tuple(broken), output[-2000:])


@contextmanager
def tree() -> Iterator[Tree]:
    """A copy of this tree as it stands, uncommitted changes included, and a Postgres for it."""
    from pipeline.store.embedded import start_embedded, stop_embedded

    scratch = Path(tempfile.mkdtemp(prefix="nav-mutations-"))
    scratch.chmod(0o755)
    try:
        shutil.copytree(ROOT, scratch / "tree", ignore=_LEFT_OUT, symlinks=True)
        url = start_embedded(scratch / "postgres")
        try:
            yield Tree(scratch / "tree", url)
        finally:
            stop_embedded(scratch / "postgres")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
