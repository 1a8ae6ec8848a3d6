"""R2: how long after a death until every accepted document is published, without a person.

Documents are taken in, something is killed in the midst of the work, and nobody does anything more.
The time counts from the kill until nothing waits. A round in which nothing dies is measured too.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from app.stack.mock_services import MOCK_KEYS
from benchmarks.corpus import document
from benchmarks.reliability.commands import Navigator
from benchmarks.reliability.system import System, published, system, waiting

NOTHING = "nothing"
KINDS = (NOTHING, "ingest", "worker", "prefect", "postgres", "mocks")
"""What is killed: the command itself, or a service of `navigator up`; `mocks` embed and parse."""

_POLL_SECONDS = 0.2
_GIVE_UP_SECONDS = 600.0
_LATENCY = {"fault": {"kind": "latency", "seconds": 0.3}}


def measure(scratch: Path, kinds: Sequence[str], rounds: int, documents: int) -> dict[str, Any]:
    """Each kind of death so many times, in turns."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    chance = random.Random(documents * 1000 + rounds)
    with system(Navigator(scratch / "home")) as running:
        for number in range(rounds):
            for kind in kinds:
                folder = scratch / f"{kind}-{number}"
                found[kind].append(_round(running, folder, kind, documents, chance))
                print(f"{folder.name}: {found[kind][-1]}", file=sys.stderr, flush=True)
                running.until_healthy()
    return {kind: summed(each) for kind, each in found.items()}


def summed(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Median, 95th percentile (the largest of fewer than twenty) and what was lost."""
    seconds = sorted(each["seconds"] for each in rounds)
    return {
        "rounds": len(rounds),
        "p50": median(seconds),
        "p95": seconds[max(0, -(-len(seconds) * 95 // 100) - 1)],
        "under_way": sum(each["under_way"] for each in rounds),
        "not_published": sum(each["not_published"] for each in rounds),
        "seconds": seconds,
    }


def _round(
    running: System, folder: Path, kind: str, documents: int, chance: random.Random
) -> dict[str, Any]:
    with running.client(folder.name) as client:
        _slow_down(running)
        if kind == "ingest":
            killed = _ingest_and_kill(running, client, folder, documents)
        else:
            _upload(client, folder.name, documents)
            time.sleep(chance.uniform(0.2, 2.0))
            killed = time.monotonic()
            if kind != NOTHING:
                running.kill(kind)
        under_way = documents - len(published(client) or ())
        missing = _until_published(client, documents)
    return {
        "seconds": round(time.monotonic() - killed, 2),
        "under_way": under_way,
        "not_published": missing,
    }


def _slow_down(running: System) -> None:
    """Have the mock servers take their time, so that the kill comes in the midst of the work."""
    rules = [{"service": service, **_LATENCY} for service in ("openai", "llamaparse")]
    url = f"{running.url('mocks')}/__mock/faults"
    httpx.post(url, json=rules, timeout=30).raise_for_status()


def _upload(client: httpx.Client, name: str, documents: int) -> None:
    for number in range(documents):
        text = document(number).replace("Policy conditions", f"Conditions of {name}")
        files = {"file": (f"{number}.md", text.encode())}
        answer = client.post("/documents", files=files, data={"source": f"{name}/{number}.md"})
        answer.raise_for_status()


def _ingest_and_kill(running: System, client: httpx.Client, folder: Path, documents: int) -> float:
    """Kill the command and all its children once it has accepted everything; when that was."""
    folder.mkdir()
    for number in range(documents):
        text = document(number).replace("Policy conditions", f"Conditions of {folder.name}")
        (folder / f"{number}.md").write_text(text)
    stands = running.url("mocks")
    process = running.navigator.start(
        "ingest", folder, "--user", folder.name, OPENAI_BASE_URL=f"{stands}/v1",
        LLAMA_CLOUD_BASE_URL=stands, NAVIGATOR_PARSER="llamaparse", **MOCK_KEYS,
    )  # fmt: skip
    while len(waiting(client) or ()) < documents and process.poll() is None:
        time.sleep(0.05)
    killed = time.monotonic()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return killed


def _until_published(client: httpx.Client, documents: int) -> int:
    """Wait until all are published; how many are not when the patience is over."""
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while (missing := documents - len(published(client) or ())) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return missing
