"""The incidents that are simulated, as data: what is done, for how long, and what is expected.

Each is done for real to a running system: providers misbehave over sockets, processes are killed or
frozen, connections are cut. Where something is expected of a person, that is done too, and counts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.load.services import pids
from app.stack.mock_services import MOCK_KEYS
from benchmarks.corpus import write_corpus
from benchmarks.reliability.incident_place import Place
from pipeline.child_processes import child_environment, module_command
from pipeline.store.embedded_access import addresses

Act = Callable[[Place, str], None]
"""Done to a place, for the incident of this name."""


@dataclass(frozen=True)
class SimulatedIncident:
    """One incident.

    Attributes:
        name: also of the user whose documents are under way.
        what: in a few words.
        inject: what happens; when it returns, it has happened.
        answer: what is expected of the program; empty: that it tells a person.
        lasts: seconds after which the outside world is well again; None: it is at once.
        until_told: it lasts until an alert has been told, if that comes later.
        person: what a person does once told.
        why_person: why no machine may.
        unpublished: documents that are not published in the end, with a reason.
    """

    name: str
    what: str
    inject: Act
    answer: str = ""
    lasts: float | None = None
    until_told: bool = False
    person: Act | None = None
    why_person: str = ""
    unpublished: int = 0


def _provider(service: str, kind: str, rate: float = 1.0, **parameters: Any) -> Act:
    """The provider misbehaves, and documents come."""
    rule = {"service": service, "fault": {"kind": kind, **parameters}, "rate": rate, "seed": 7}

    def inject(place: Place, name: str) -> None:
        place.faults(rule)
        place.upload(name, 3)

    return inject


def _slow(place: Place) -> None:
    place.faults(
        *({"service": service, "fault": {"kind": "latency", "seconds": 1.0}}
          for service in ("openai", "llamaparse"))
    )  # fmt: skip


def _signal(service: str, number: int) -> Act:
    """A service gets a signal while documents are under way."""

    def inject(place: Place, name: str) -> None:
        _slow(place)
        place.upload(name, 4)
        _until_under_way(place, name)
        os.kill(pids(place.home)[service], number)
        if service != "mocks":
            place.faults()

    return inject


def _until_under_way(place: Place, name: str) -> None:
    deadline = time.monotonic() + 60
    while not place.under_way(name) and time.monotonic() < deadline:
        time.sleep(0.1)


def _cut_connections(place: Place, name: str) -> None:
    _slow(place)
    place.upload(name, 4)
    _until_under_way(place, name)
    for _ in range(5):
        place.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
        time.sleep(1)
    place.faults()


def _dead_elsewhere(place: Place, name: str) -> None:
    """A command on a machine of another name is killed with documents in hand."""
    _slow(place)
    folder = place.scratch / name
    write_corpus(folder, 4, seed=41)
    mocks, navigator = place.running.url("mocks"), place.running.navigator
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NAVIGATOR_", "PREFECT_"))}
    # another machine does not hold this one's embedded Postgres, nor ends it as nobody's
    database = addresses(navigator.home / "postgres")
    variables = {
        "DATABASE_URL": database.service, "NAVIGATOR_DATABASE_OWNER_URL": database.owner or "",
        "NAVIGATOR_DATABASE_READER_URL": database.reader or "",
        **kept, **navigator.variables, **MOCK_KEYS, "NAVIGATOR_HOME": str(navigator.home),
        "OPENAI_BASE_URL": f"{mocks}/v1", "LLAMA_CLOUD_BASE_URL": mocks,
        "NAVIGATOR_PARSER": "llamaparse", "NAVIGATOR_EMBEDDER": "openai",
    }  # fmt: skip
    command = module_command("app", "ingest", str(folder), "--user", name, "--json")
    process = subprocess.Popen(
        ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh", *command],
        env=child_environment(variables), cwd=place.scratch, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    place.accepted[name] = 4
    deadline = time.monotonic() + 90
    while sum(place.states(name).values()) < 4:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the other machine's command took nothing in")
        time.sleep(0.1)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    place.faults()


def _cap(place: Place, name: str) -> None:
    """A run reaches its cost cap; the operator's ceiling is above it."""
    folder = place.scratch / name
    write_corpus(folder, 6, seed=43)
    mocks = place.running.url("mocks")
    place.accepted[name] = 6
    place.running.navigator.text(
        "ingest", folder, "--user", name, "--max-cost", "0.005", "--json", **MOCK_KEYS,
        OPENAI_BASE_URL=f"{mocks}/v1", LLAMA_CLOUD_BASE_URL=mocks, NAVIGATOR_PARSER="llamaparse",
        NAVIGATOR_EMBEDDER="openai",
    )  # fmt: skip


def _poison(place: Place, name: str) -> None:
    place.upload(name, 1, b"%PDF-1.7\n" + b"\x00\x9f\x92\x96" * 500)
    place.upload(name, 2)


def _deployments_gone(place: Place, name: str) -> None:
    """Somebody emptied Prefect's server; documents come."""
    for each in place.prefect("POST", "deployments/filter", {}):
        place.prefect("DELETE", f"deployments/{each['id']}")
    place.upload(name, 2)


def _low_recall(place: Place, name: str) -> None:
    """The index is measured to find too little: at this size only the figure can be made low."""
    place.upload(name, 6)
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and (
        place.unpublished(name)
        or not place.rows("SELECT id FROM embedding_spaces WHERE indexed_at IS NOT NULL")
    ):
        time.sleep(0.5)
    place.rows("UPDATE vector_recall SET recall = 0.6, worst = 0.2, measured_at = now()")
    place.rows(
        "INSERT INTO vector_recall (space_id, measured_at, questions, recall, worst) "
        "SELECT id, now(), 20, 0.6, 0.2 FROM embedding_spaces WHERE indexed_at IS NOT NULL "
        "ON CONFLICT (space_id) DO NOTHING"
    )
    place.run_deployment("maintain")


def _acknowledge(place: Place, name: str) -> None:
    """Look at what is told and say so."""
    del name
    for each in place.rows("SELECT id FROM alerts WHERE closed_at IS NULL"):
        place.running.navigator.text("alerts", "acknowledge", each["id"], "--json")


def _account_in_order(place: Place, name: str) -> None:
    """Top up the account, or set a key that is taken; then resume or retry what stopped."""
    place.faults()
    _acknowledge(place, name)
    for each in place.rows(
        "SELECT DISTINCT run_id FROM upload_jobs WHERE stopped IS NOT NULL AND run_id IS NOT NULL"
    ):
        place.running.navigator.text("resume", each["run_id"], "--user", name)
    place.running.navigator.text("retry", "--failed", "--user", name)


_MONEY = "only a person can pay"
INCIDENTS = (
    SimulatedIncident("embedder-down", "OpenAI answers 503", _provider("openai", "overloaded"),
                      "waits, goes on", 20, until_told=True),
    SimulatedIncident("embedder-slow", "OpenAI takes 6 s an answer",
                      _provider("openai", "latency", seconds=6), "waits", 40),
    SimulatedIncident("embedder-throttles", "OpenAI answers 429 to 90 %",
                      _provider("openai", "rate_limit", 0.9), "slows down", 40),
    SimulatedIncident("embedder-wrong", "OpenAI's vectors hold NaN", _provider("openai", "nan"),
                      "waits, goes on", 20, until_told=True),
    SimulatedIncident("embedder-resets", "OpenAI resets connections", _provider("openai", "reset"),
                      "waits, goes on", 20, until_told=True),
    SimulatedIncident("parser-down", "LlamaParse answers 503",
                      _provider("llamaparse", "status", status=503), "fall back", 40,
                      until_told=True),
    SimulatedIncident("parser-hangs", "LlamaParse's jobs never end",
                      _provider("llamaparse", "stuck"), "fall back", 60),
    SimulatedIncident("parser-throttles", "LlamaParse answers 429 to 90 %",
                      _provider("llamaparse", "rate_limit", 0.9), "slows down", 40),
    SimulatedIncident("parser-garbled", "LlamaParse answers with a gateway's page",
                      _provider("llamaparse", "not_json"), "fall back", 30),
    SimulatedIncident("webhooks-lost", "no webhook arrives", _provider("webhooks", "lost"),
                      "polls", 40),
    SimulatedIncident("worker-killed", "the worker is killed", _signal("worker", 9), "restart"),
    SimulatedIncident("worker-frozen", "the worker is frozen", _signal("worker", 19), "restart"),
    SimulatedIncident("api-killed", "the API is killed", _signal("api", 9), "restart"),
    SimulatedIncident("prefect-killed", "Prefect's server is killed", _signal("prefect", 9),
                      "restart"),
    SimulatedIncident("postgres-killed", "Postgres restarts as after a crash",
                      _signal("postgres", 3), "restart"),
    SimulatedIncident("connections-cut", "every database connection is cut, 5 times",
                      _cut_connections, "tries again"),
    SimulatedIncident("providers-killed", "both providers' servers die", _signal("mocks", 9),
                      "restart"),
    SimulatedIncident("dead-elsewhere", "a process on another machine dies with work in hand",
                      _dead_elsewhere, "requeue"),
    SimulatedIncident("prefect-emptied", "Prefect's deployments are deleted", _deployments_gone,
                      "deploys again"),
    SimulatedIncident("cap-reached", "a run reaches its cap, below the ceiling", _cap,
                      "raise a limit"),
    SimulatedIncident("recall-low", "the vector index finds 60 % (the figure is set)", _low_recall,
                      "reindex"),
    SimulatedIncident("quota-exhausted", "OpenAI's account is empty", _provider("openai", "quota"),
                      person=_account_in_order, why_person=_MONEY),
    SimulatedIncident("key-revoked", "OpenAI takes the key no more",
                      _provider("openai", "status", status=401, code="invalid_api_key"),
                      person=_account_in_order, why_person="only a person has another key"),
    SimulatedIncident("poison-document", "a file is no PDF, though it says so", _poison,
                      person=_acknowledge, why_person="whose file it is decides what it should be",
                      unpublished=1),
)  # fmt: skip
"""In the order in which they happen."""
