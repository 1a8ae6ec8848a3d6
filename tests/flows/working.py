"""A process that runs flows, Prefect's own account of them, and a way to cut Prefect off."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import httpx
import psycopg

from pipeline.store.database_urls import driver_url

KEY = "sk-canary-3f1c9a7e5b"


@dataclass
class Worker:
    """Runs flows in a process of its own."""

    process: subprocess.Popen[str]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)

    def send(self, flow: str, arguments: dict[str, Any], **environment: str) -> None:
        """Ask for a flow run without waiting for it."""
        values = self.environment | environment
        request = {"flow": flow, "arguments": arguments, "environment": values}
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The final state of the flow run that was asked for."""
        stdout: IO[str] | None = self.process.stdout
        assert stdout is not None
        line = stdout.readline()
        assert line, self.log.read_text()[-4000:]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run(self, flow: str, arguments: dict[str, Any], **environment: str) -> dict[str, Any]:
        """Run a flow to its end."""
        self.send(flow, arguments, **environment)
        return self.answer()

    def end(self) -> None:
        """End the process, by force when it is busy."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # it has ended already
                    stream.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_worker(folder: Path, environment: dict[str, str], variables: dict[str, str]) -> Worker:
    """A worker whose flows see the variables."""
    log = folder / "worker.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.running"],
            env=environment | variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=output, text=True,
        )  # fmt: skip
    return Worker(process, log, variables)


@dataclass(frozen=True)
class Account:
    """What Prefect's API tells."""

    api: httpx.Client

    def all(self, what: str, **body: Any) -> list[dict[str, Any]]:
        """Every flow run, task run, log or artifact."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.api.post(
                f"/{what}/filter", json={**body, "offset": len(found), "limit": 200}
            )
            items: list[dict[str, Any]] = page.raise_for_status().json()
            found += items
            if len(items) < 200:
                return found

    def subflows(self, name: str) -> list[dict[str, Any]]:
        """Flow runs of a name, the oldest first."""
        runs = [run for run in self.all("flow_runs") if run["name"] == name]
        return sorted(runs, key=lambda run: str(run["start_time"]))

    def tasks(self, flow_run: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """The task runs of a flow run by their names."""
        found = self.all("task_runs", flow_runs={"id": {"any_": [flow_run["id"]]}})
        return {task["name"]: task for task in found}


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Rows of a statement in the module's database."""
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        return list(connection.execute(statement))


def execute(url: str, statement: str) -> None:
    """Change what the module's database holds, as time or a person would."""
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute(statement)


class Relay:
    """Passes connections on to a local port, until it is left: then all of them end at once."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                for pair in ((client, server), (server, client)):
                    thread = threading.Thread(target=_pass_on, args=pair, daemon=True)
                    self._threads.append(thread)
                    thread.start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
