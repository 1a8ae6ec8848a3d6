"""Runs a mock server: `python -m mocks --port N` prints its address as one JSON line."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from mocks.faults import read_script
from mocks.instance import server
from mocks.llamaparse_settings import LlamaParseSettings
from mocks.openai import OpenAISettings
from mocks.stopping import until_asked_to_stop

SETTINGS: dict[str, Any] = {"openai": OpenAISettings, "llamaparse": LlamaParseSettings}


def arguments() -> argparse.Namespace:
    """The command line: every setting of every mock server is an option."""
    parser = argparse.ArgumentParser(prog="python -m mocks", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    for service, kind in SETTINGS.items():
        for setting in fields(kind):
            option = f"--{service}-{setting.name.replace('_', '-')}"
            parser.add_argument(option, type=_type_of(str(setting.type)), default=setting.default)
    parser.add_argument("--faults", type=Path, help="a fault script, YAML or JSON")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the parent")
    return parser.parse_args()


def _type_of(annotation: str) -> type:
    kinds: dict[str, type] = {"float": float, "int": int, "str": str}
    return kinds[annotation.partition(" ")[0]]


def _settings(service: str, options: argparse.Namespace) -> Any:
    kind = SETTINGS[service]
    return kind(**{f.name: getattr(options, f"{service}_{f.name}") for f in fields(kind)})


async def run(options: argparse.Namespace) -> None:
    """Serve until SIGINT, SIGTERM or, when asked, the end of standard input."""
    mock = server(_settings("openai", options), _settings("llamaparse", options))
    if options.faults:
        mock.load_faults(read_script(options.faults.read_bytes()))
    port = await mock.start(options.host, options.port)
    address = f"http://{options.host}:{port}"
    line = {"port": port, "openai": f"{address}/v1", "llamaparse": address, "control": address}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
    await until_asked_to_stop(with_stdin=options.until_stdin_closes)
    await mock.stop()


if __name__ == "__main__":
    asyncio.run(run(arguments()))
