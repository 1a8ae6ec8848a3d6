"""Hosts on this machine: network, host name and processes of their own, joined by a bridge."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.prefect_server import ROOT

CENTER = "10.231.77.1"
"""Where every host reaches the services."""
START_SECONDS = 300


def possible() -> bool:
    """Whether this machine lets us make hosts: Linux, root, and the tools for it."""
    tools = all(shutil.which(tool) for tool in ("ip", "unshare"))
    if os.name != "posix" or not tools or os.geteuid() != 0:
        return False
    return _ip("link", "add", "navtry", "type", "bridge") and _ip("link", "del", "navtry")


def _ip(*arguments: str) -> bool:
    return subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Host:
    """One host; its processes see no other host's."""

    name: str

    @contextmanager
    def worker(
        self, home: Path, environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A warm worker on the host, once it asks for work."""
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = home / "worker.log"
        script = f'hostname {self.name}; exec "$0" -m app worker --name {self.name}'
        command = ["ip", "netns", "exec", self.name, "unshare", "--uts", "--pid", "--fork",
                   "--kill-child", "--mount-proc", "sh", "-c", script, sys.executable]  # fmt: skip
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, cwd=home, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**environment, "NAVIGATOR_HOME": str(home), "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        try:
            deadline = time.monotonic() + START_SECONDS
            while "started!" not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield process
        finally:
            process.kill()  # unshare passes no other signal on; its child goes with it
            process.wait()


@contextmanager
def hosts(*names: str) -> Iterator[list[Host]]:
    """Hosts that reach `CENTER` and each other over a bridge, and nothing else."""
    with ExitStack() as stack:
        assert _ip("link", "add", "navbridge", "type", "bridge")
        stack.callback(_ip, "link", "del", "navbridge")
        assert _ip("addr", "add", f"{CENTER}/24", "dev", "navbridge")
        assert _ip("link", "set", "navbridge", "up")
        for number, name in enumerate(names, start=2):
            assert _ip("netns", "add", name)
            stack.callback(_ip, "netns", "del", name)
            side = f"nav{number}"
            assert _ip("link", "add", side, "type", "veth", "peer", "name", "eth0", "netns", name)
            stack.callback(_ip, "link", "del", side)
            assert _ip("link", "set", side, "master", "navbridge", "up")
            address = f"{CENTER.rpartition('.')[0]}.{number}/24"
            assert _ip("-n", name, "addr", "add", address, "dev", "eth0")
            assert _ip("-n", name, "link", "set", "eth0", "up")
            assert _ip("-n", name, "link", "set", "lo", "up")
        yield [Host(name) for name in names]


@contextmanager
def reachable(target: str) -> Iterator[int]:
    """A port of `CENTER` behind which a service of this machine is.

    Args:
        target: the port of the service on the loopback, or the path of its socket.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.deployments.hosts", target], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


async def _serve(target: str) -> None:
    server = await asyncio.start_server(lambda r, w: _forward(r, w, target), CENTER, 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
    if target.isdigit():
        there, back = await asyncio.open_connection("127.0.0.1", int(target))
    else:
        there, back = await asyncio.open_unix_connection(target)
    await asyncio.gather(_pump(reader, back), _pump(there, writer))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except OSError:  # one side has gone
        pass
    finally:
        sink.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
