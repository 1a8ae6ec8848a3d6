"""The real command in a process of its own, as a person or a script runs it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from app.cli.main import app
from app.prefect.access import CSRF_VARIABLE
from tests.prefect_server import prepare_home

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples" / "files"
LONGEST_SECONDS = 900
NEEDLESS = (
    "DATABASE_URL", "PREFECT_API_URL", "DISPLAY", "WAYLAND_DISPLAY", "COLUMNS",
    CSRF_VARIABLE,  # an earlier test's server in this process may have needed none
)  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """A command that has ended; `out` and `err` are its two streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it told a program."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Navigator:
    """The command with one home folder; it runs outside the checkout."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)
    prepared: bool = True
    """Whether its Prefect server finds a migrated database, which saves six seconds."""

    @property
    def environment(self) -> dict[str, str]:
        """Of the command: nothing of the developer's own settings."""
        clean = {name: value for name, value in os.environ.items() if name not in NEEDLESS}
        return {**clean, "NAVIGATOR_HOME": str(self.home), "COLUMNS": "100", **self.variables}

    def start(self, *arguments: object, **variables: str) -> subprocess.Popen[str]:
        """Start a command; the caller ends it."""
        self.home.parent.mkdir(parents=True, exist_ok=True)
        if self.prepared and arguments and arguments[0] in ("ingest", "up", "seed"):
            prepare_home(self.home)
        return subprocess.Popen(
            [sys.executable, "-m", "app", *map(str, arguments)],
            cwd=self.home.parent,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=0,  # so that what a command keeps private is its own doing
        )

    def __call__(self, *arguments: object, **variables: str) -> Ended:
        """Run a command to its end; whatever happens, no traceback may reach a person."""
        process = self.start(*arguments, **variables)
        return ended(process)

    def here(self, *arguments: object, **variables: str) -> Ended:
        """The same in this process, which saves the imports: for commands without Prefect."""
        out, err = io.StringIO(), io.StringIO()
        environment = {**self.environment, **variables}
        with (
            patch.dict(os.environ, environment, clear=True),
            patch.object(sys, "argv", ["navigator", *map(str, arguments)]),
            chdir(self.home.parent),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                app([*map(str, arguments)], prog_name="navigator")
            except SystemExit as exit_:
                code = int(exit_.code or 0)
        assert "Traceback" not in out.getvalue() + err.getvalue()
        return Ended(code, out.getvalue(), err.getvalue())


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for a command; how long it may take is the test's own time-out, and then it is ended."""
    try:
        out, err = process.communicate(timeout=LONGEST_SECONDS)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    assert "Traceback" not in out + err, err
    return Ended(process.returncode, out, err)
