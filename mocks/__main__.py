"""Run the stand-ins: `python -m mocks --port N` prints its address as one JSON line."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path

from mocks.instance import server
from mocks.openai import OpenAISettings


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m mocks", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument("--openai-latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--openai-api-key", help="the only key taken; any key without this")
    parser.add_argument("--openai-requests-per-minute", type=int)
    parser.add_argument("--openai-tokens-per-minute", type=int)
    parser.add_argument("--faults", type=Path, help="a fault script as a JSON file")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the parent")
    return parser.parse_args()


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGINT, SIGTERM or, when asked, the end of standard input."""
    mock = server(
        openai=OpenAISettings(
            latency=options.openai_latency,
            api_key=options.openai_api_key,
            requests_per_minute=options.openai_requests_per_minute,
            tokens_per_minute=options.openai_tokens_per_minute,
        )
    )
    if options.faults:
        mock.load_faults(json.loads(options.faults.read_text()))
    port = await mock.start(options.host, options.port)
    address = f"http://{options.host}:{port}"
    line = {"host": options.host, "port": port, "openai": f"{address}/v1", "control": address}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    await _until_asked_to_stop(options.until_stdin_closes)
    await mock.stop()


async def _until_asked_to_stop(watch_stdin: bool) -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopping.set)
    if watch_stdin:
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        ended = asyncio.ensure_future(reader.read())
        ended.add_done_callback(lambda _: stopping.set())
    await stopping.wait()


if __name__ == "__main__":
    asyncio.run(run(arguments()))
