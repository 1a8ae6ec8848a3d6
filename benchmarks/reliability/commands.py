"""The real command, in processes of its own, on a home of the benchmark's."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.child_processes import child_environment, module_command

_OTHERS = ("NAVIGATOR_", "PREFECT_", "OPENAI_", "LLAMA_")
_HOUR = 3600.0


@dataclass(frozen=True)
class Navigator:
    """`navigator` with one home folder; nothing of the caller's own settings."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: object, **variables: str) -> subprocess.Popen[str]:
        """Start a command; the caller ends it. What it prints is kept beside the home."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_OTHERS)}
        kept.pop("DATABASE_URL", None)
        environment = {**kept, "NAVIGATOR_HOME": str(self.home), **self.variables, **variables}
        with (self.home.parent / "stderr.log").open("a") as errors:
            return subprocess.Popen(
                module_command("app", *map(str, arguments)), cwd=self.home.parent, text=True,
                env=child_environment(environment), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip

    def json(self, *arguments: object, **variables: str) -> Any:
        """Run a command to its end; what it tells a program, whatever its exit code."""
        return json.loads(self.text(*arguments, "--json", **variables))

    def text(self, *arguments: object, **variables: str) -> str:
        """Run a command to its end; its standard output."""
        process = self.start(*arguments, **variables)
        return process.communicate(timeout=_HOUR)[0]
