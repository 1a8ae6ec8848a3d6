"""The older SDK, `llama-cloud-services`, in an environment and a process of its own.

It needs llama-cloud 0.1.46 and llama-index-core, which cannot live beside the llama-cloud 2.x of
our own environment. Its packages are pinned in `llama-cloud-services.lock`; the environment is made
once, in `.venv-llama-cloud-services/` (up to 45 seconds on a busy machine), and made anew when the
lock changes.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.environments import interpreter

HERE = Path(__file__).parent
LOCK = HERE / "llama-cloud-services.lock"
DRIVER = HERE / "older_sdk_driver.py"


class OlderSdk:
    """A process with `LlamaParse` of llama-cloud-services, asked line by line."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self._account = {"base_url": base_url, "api_key": api_key}
        self._process: subprocess.Popen[str] | None = None

    def call(self, method: str, *arguments: object, **options: object) -> dict[str, Any]:
        """What the driver's function of that name answers; options are `LlamaParse`'s.

        An exception of the SDK comes as `{"error": its class, "message": …}`.
        """
        assert self._process and self._process.stdin and self._process.stdout
        asked = {"method": method, "arguments": arguments, "options": {**self._account, **options}}
        self._process.stdin.write(json.dumps(asked, default=str) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the driver of llama-cloud-services has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [interpreter(LOCK), "-W", "ignore", DRIVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process and self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()
