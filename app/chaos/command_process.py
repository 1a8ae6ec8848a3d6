"""Runs the real command in a process of its own, which an experiment kills, freezes and wakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.child_processes import (
    NEUTRAL_FOLDER,
    child_environment,
    die_with_parent,
    module_command,
)

KILLED = -signal.SIGKILL


@dataclass
class Command:
    """One `navigator …` that was started; what it prints goes to files."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    started: float

    @property
    def seconds(self) -> float:
        """Since its start."""
        return time.monotonic() - self.started

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None when it has not ended after so long."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> int:
        """End it by SIGKILL, alone, as the kernel would; its exit code."""
        self.process.kill()
        return self.process.wait()

    def freeze(self) -> None:
        """Stop it where it stands; its connections stay open."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """End it and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def answer(self) -> dict[str, Any]:
        """What it told a program; empty when it told nothing."""
        try:
            told = json.loads(self.out.read_text("utf-8") or "{}")
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}

    def why(self) -> str:
        """Its last sentence: why it did not end well."""
        error = self.answer().get("error")
        if isinstance(error, dict):
            return f"{error.get('message', '')}"
        lines = [line for line in self.err.read_text("utf-8", "replace").splitlines() if line]
        reasons = [line for line in lines if "could be finished" in line] or lines
        return reasons[-1][:300] if reasons else "it said nothing"


def start_command(
    folder: Path, arguments: list[str], environment: Mapping[str, str], number: int
) -> Command:
    """Start `navigator` with these arguments; it ends with this process."""
    out, err = folder / f"{number:04d}.out", folder / f"{number:04d}.err"
    with out.open("wb") as answers, err.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603
            module_command("app", *arguments),
            env=child_environment(environment),
            cwd=NEUTRAL_FOLDER,
            stdin=subprocess.DEVNULL,
            stdout=answers,
            stderr=said,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    return Command(process, out, err, time.monotonic())
