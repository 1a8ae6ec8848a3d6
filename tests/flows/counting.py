"""A process that runs flows as `running` does, and counts what each asks of Postgres and Prefect.

Statements are counted where they leave for Postgres, whoever wrote them; calls where Prefect's
client sends them. Neither hangs on the machine.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import psycopg

from tests.flows.running import answer_to

counted: Counter[str] = Counter()


def watch() -> None:
    """Count from now on."""
    for kind in (psycopg.AsyncCursor, psycopg.Cursor):
        for method in ("execute", "executemany", "copy"):
            _count(kind, method, _is_statement)
    _count(httpx.AsyncClient, "send", _is_call)
    _count(httpx.Client, "send", _is_call)


def _count(kind: type, method: str, name: Callable[[Any], str | None]) -> None:
    original = getattr(kind, method)

    def counting(self: Any, *arguments: Any, **named: Any) -> Any:
        if what := name(self):
            counted[what] += 1
        return original(self, *arguments, **named)

    setattr(kind, method, counting)


def _is_statement(cursor: Any) -> str:
    return "statements"


def _is_call(client: Any) -> str | None:
    # Beside the client of Prefect's API there are those of the embedder and the storage.
    return "prefect calls" if "Prefect" in type(client).__name__ else None


def main() -> None:
    """Answer requests until standard input ends; ``counted`` is of the request alone."""
    watch()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        counted.clear()
        answer = answer_to(json.loads(line))
        answers.write(json.dumps({**answer, "counted": dict(counted)}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
