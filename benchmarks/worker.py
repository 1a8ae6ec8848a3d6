"""The process that does the measured work: one command a line on stdin, one answer on stdout.

Each answer carries the wall seconds of the command, the processor seconds and the peak of resident
memory of this process during it. The peak is reset before each command.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks import floor, pipeline, subflows
from benchmarks.servers import ROOT
from pipeline.child_processes import module_command


class Worker:
    """A worker process, seen from the outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def ask(self, command: str, **values: Any) -> dict[str, Any]:
        """Have a command done.

        Raises:
            RuntimeError: it failed or the process died; its standard error has the reason.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([command, values]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the worker died"}
        if error := answer.get("error"):
            raise RuntimeError(f"{command}: {error}")
        return answer


@contextmanager
def worker(scratch: Path, prefect_url: str | None = None) -> Iterator[Worker]:
    """A fresh worker; without `prefect_url` it starts the SQLite server of the default."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NAVIGATOR_", "PREFECT_", "OPENAI_")) and name != "DATABASE_URL"
    }
    environment |= {
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(scratch / "prefect"),
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    if prefect_url:
        environment["PREFECT_API_URL"] = prefect_url
    process = subprocess.Popen(
        module_command("benchmarks.worker"), cwd=scratch, env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Worker(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _do(command: str, values: dict[str, Any]) -> dict[str, Any]:
    match command:
        case "floor":
            return await floor.measure(_files(values.pop("folder")), **values)
        case "start_up":
            return dict(pipeline.start_up(Path(values["home"])))
        case "configure":
            pipeline.configure(Path(values.pop("home")), **values)
            await pipeline.prepare()
            return {}
        case "ingest":
            return await pipeline.ingest(Path(values.pop("folder")), **values)
        case "repeat":
            return await pipeline.repeat(**values)
        case "stages":
            return dict(await pipeline.stages())
        case "subflows":
            return dict(await subflows.measure(**values))
    raise ValueError(f"there is no command {command}")


def _files(folder: str) -> list[Path]:
    return sorted(Path(folder).glob("*.md"))


def _peak_megabytes() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def _answer(command: str, values: dict[str, Any]) -> dict[str, Any]:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before = os.times()
    answer = asyncio.run(_do(command, values))
    after = os.times()
    answer["processor_seconds"] = sum(after[:2]) - sum(before[:2])
    answer["peak_megabytes"] = _peak_megabytes()
    return answer


def main() -> None:
    """Serve commands until standard input ends."""
    # Whatever a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        command, values = json.loads(line)
        try:
            answer = _answer(command, values)
        except Exception as error:
            import traceback

            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
