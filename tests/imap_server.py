"""An IMAP server over a real socket: Twisted's, in an environment and a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.environments import interpreter

LOCK = Path(__file__).parent / "imap.lock"
PROGRAM = Path(__file__).parent / "imap_program.py"
USER, PASSWORD = "claims@example.com", 'päss"word'


@dataclass(frozen=True)
class MailServer:
    """A server that runs, and its certificate."""

    port: int
    process: subprocess.Popen[str]

    def tell(self, command: str, **values: Any) -> dict[str, Any]:
        """Have the server change its mailbox; what it answers."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"command": command, **values}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def deliver(self, message: str) -> int:
        """A message comes; its number."""
        return int(self.tell("deliver", message=message)["uid"])


@contextmanager
def imap(certificate: Path | None = None, key: Path | None = None) -> Iterator[MailServer]:
    """A server on this machine, with TLS when a certificate is given."""
    given = [str(certificate), str(key)] if certificate and key else []
    process = subprocess.Popen(
        [interpreter(LOCK), "-P", PROGRAM, *given],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield MailServer(int(json.loads(process.stdout.readline())["port"]), process)
    finally:
        process.terminate()
        process.communicate(timeout=20)
