"""Runs a mock server: in a thread for tests, in a process of its own for benchmarks.

with OpenAIMock(latency=0.03, process=True) as mock:
    client = AsyncOpenAI(base_url=mock.base_url, api_key="any")
    ...
    assert mock.stats()["repeated_inputs"] == 0
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from mocks.faults import FaultScript
from mocks.llamaparse import LlamaParseService
from mocks.llamaparse_settings import LlamaParseSettings
from mocks.openai import OpenAIService, OpenAISettings
from mocks.server import MockServer
from mocks.wire import Service

START_SECONDS = 30


def server(
    openai: OpenAISettings | None = None, llamaparse: LlamaParseSettings | None = None
) -> MockServer:
    """A server with every mock server, not yet listening."""
    script = FaultScript()
    services: list[Service] = [
        OpenAIService(openai or OpenAISettings()),
        LlamaParseService(llamaparse or LlamaParseSettings(), script),
    ]
    return MockServer(services, script)


class MockInstance:
    """A server that runs while the `with` block does.

    Args:
        process: run in a process of its own, so that it does not share our interpreter lock.
        port: 0 lets the system choose.
        faults: a fault script in force from the start; see `mocks.faults`.
        settings: of this mock server, by name.
    """

    service: ClassVar[str]
    suffix: ClassVar[str] = ""
    watchers: ClassVar[list[Callable[[MockInstance, bool], None]]] = []
    """Told of every instance: when it has started, around a reset, and (True) before it ends."""

    def __init__(
        self,
        *,
        process: bool = False,
        port: int = 0,
        faults: list[dict[str, Any]] | None = None,
        **settings: Any,
    ) -> None:
        self._settings = settings
        self._faults = faults
        self._in_process = process
        self.port = port
        self._thread: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def base_url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self.port}{self.suffix}"

    def stats(self) -> dict[str, Any]:
        """This service's counters."""
        counters: dict[str, Any] = self.every_service()[self.service]
        return counters

    def every_service(self) -> dict[str, Any]:
        """The counters of each service that this server stands in for, by its name."""
        counters: dict[str, Any] = self._call("GET", "/__mock/stats")
        return counters

    def fault_stats(self) -> list[dict[str, Any]]:
        """How often each rule of the script matched and fired."""
        rules: list[dict[str, Any]] = self._call("GET", "/__mock/stats")["faults"]
        return rules

    def faults(self, *rules: dict[str, Any] | str) -> None:
        """Replace the fault script; a rule may leave out the service, or be a kind alone."""
        script = [{"fault": r} if isinstance(r, str) else r for r in rules]
        self._call("POST", "/__mock/faults", [{"service": self.service, **r} for r in script])

    def reset(self) -> None:
        """Forget counters, jobs and faults."""
        self._tell()
        self._call("POST", "/__mock/reset")
        self._tell()

    def __enter__(self) -> Self:
        if self._in_process:
            self._start_process()
        else:
            self._start_thread()
        if self._faults:
            self.faults(*self._faults)
        self._tell()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tell(ending=True)
        if self._child is not None:
            if self._child.stdin is not None:
                self._child.stdin.close()  # the child ends when its standard input does
            self._child.wait(START_SECONDS)
            if self._child.stdout is not None:
                self._child.stdout.close()
        if self._thread is not None and self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(START_SECONDS)

    def _tell(self, *, ending: bool = False) -> None:
        for watcher in self.watchers:
            watcher(self, ending)

    def _start_process(self) -> None:
        # -P: what lies in the current folder is no module of ours.
        command = [sys.executable, "-P", "-m", "mocks", "--port", str(self.port)]
        command.append("--until-stdin-closes")
        for name, value in self._settings.items():
            if value is not None:
                command += [f"--{self.service}-{name.replace('_', '-')}", str(value)]
        # Only our own interpreter and module, with numbers and names given by a test.
        self._child = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        )
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("the mock server did not start")
        self.port = int(json.loads(line)["port"])

    def _start_thread(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="mock-server", daemon=True
        )
        self._thread.start()
        if not ready.wait(START_SECONDS):
            raise RuntimeError("the mock server did not start")

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        mock = self._server()
        self.port = await mock.start(port=self.port)
        ready.set()
        await self._stopping.wait()
        await mock.stop()

    def _server(self) -> MockServer:
        raise NotImplementedError

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(answer["detail"])
        return answer


class OpenAIMock(MockInstance):
    """A running OpenAI mock server; keyword arguments beside the server's are `OpenAISettings`."""

    service = "openai"
    suffix = "/v1"

    def _server(self) -> MockServer:
        return server(openai=OpenAISettings(**self._settings))


class LlamaParseMock(MockInstance):
    """A running LlamaParse mock server; its settings are those of `LlamaParseSettings`."""

    service = "llamaparse"

    def _server(self) -> MockServer:
        return server(llamaparse=LlamaParseSettings(**self._settings))
