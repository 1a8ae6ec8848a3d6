"""Where incidents are simulated: a running `navigator up`, its database, mocks and receivers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from benchmarks.corpus import document
from benchmarks.reliability.commands import Navigator
from benchmarks.reliability.system import System, system
from deployments.prefect_api import prefect_api
from pipeline.identity import user_id
from pipeline.states import PUBLISHED
from pipeline.store.embedded_access import ADMINISTRATOR, address

ENVIRONMENT = """\
extends: base
description: One machine, on which incidents are simulated.
alerts:
  targets:
    chat: {address: {env: SIMULATED_CHAT}}
    pager: {address: {env: SIMULATED_PAGER}}
    mail: {address: {env: SIMULATED_MAIL}}
"""
ROUTING = {
    "routes": [
        {
            "severities": ["critical"],
            "steps": [{"to": ["chat", "pager"]}, {"to": ["mail"], "after_minutes": 0.5}],
        },
        {"steps": [{"to": ["chat"]}, {"to": ["mail"], "after_minutes": 1}]},
    ],
    "group_seconds": 0,
}
SETTINGS = {
    # so that minutes are short and few documents have an index; else it is what is shipped
    "NAVIGATOR_SERVICE_PATIENCE_SECONDS": "5",
    "NAVIGATOR_LEASE_SECONDS": "10",
    "NAVIGATOR_LLAMA_CLOUD_DEADLINE_SECONDS": "20",
    "NAVIGATOR_HNSW_MIN_VECTORS": "20",
    # what the operator allows the machine to do
    "NAVIGATOR_LLAMA_CLOUD_FALLBACK": "local",
    "NAVIGATOR_RUN_COST_CEILING_USD": "1",
}
_PUBLISHED = [each.value for each in PUBLISHED]


class Receivers(ThreadingHTTPServer):
    """Web addresses that stand where chat, pager and mail are; each keeps when it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.told: list[tuple[float, str]] = []

    def url(self, name: str) -> str:
        """As Apprise writes it."""
        return f"json://127.0.0.1:{self.server_port}/{name}"


class _Answer(BaseHTTPRequestHandler):
    server: Receivers

    def do_POST(self) -> None:
        """Take a message."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.told.append((time.time(), self.path.strip("/")))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on standard error."""


@dataclass
class Place:
    """A running system with what stands around it.

    Attributes:
        accepted: how many documents of each simulated incident were accepted.
    """

    running: System
    receivers: Receivers
    scratch: Path
    accepted: dict[str, int] = field(default_factory=dict)
    started: int = 0

    @property
    def home(self) -> Path:
        """Its folder."""
        return self.running.navigator.home

    def rows(self, statement: str, values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Ask the database as its administrator; waits for one that restarts."""
        deadline = time.monotonic() + 120
        while True:
            try:
                with psycopg.connect(
                    address(self.home / "postgres", ADMINISTRATOR),
                    options="-c search_path=upload_pipeline,public",
                    row_factory=dict_row,
                    autocommit=True,
                ) as connection:
                    found = connection.execute(statement, values)
                    return found.fetchall() if found.description else []
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def faults(self, *rules: dict[str, Any]) -> None:
        """Have the providers misbehave so, or well without rules."""
        url = f"{self.running.url('mocks')}/__mock/faults"
        for _ in range(100):
            with suppress(httpx.HTTPError):
                httpx.post(url, json=list(rules), timeout=10).raise_for_status()
                return
            time.sleep(0.5)

    def repeated_tokens(self) -> int:
        """What the embedder has billed twice; 0 when it is away."""
        with suppress(httpx.HTTPError, KeyError):
            found = httpx.get(f"{self.running.url('mocks')}/__mock/stats", timeout=10).json()
            return int(found["openai"]["billed_tokens"] - found["openai"]["unique_tokens"])
        return 0

    def upload(self, name: str, number: int, content: bytes | None = None) -> None:
        """Have documents be accepted, of a user of the incident's name."""
        self.accepted.setdefault(name, 0)
        with self.running.client(name) as client:
            for each in range(self.accepted[name], self.accepted[name] + number):
                self.started += 1
                text = document(9000 + self.started).replace(
                    "Policy conditions", f"Conditions of {name}"
                )
                sent = {"file": (f"{each}.{'md' if content is None else 'pdf'}", content or text)}
                self._sent(client, sent, f"{name}/{each}")
                self.accepted[name] += 1

    def _sent(self, client: httpx.Client, files: dict[str, Any], source: str) -> None:
        for attempt in range(200):
            with suppress(httpx.HTTPError):
                answer = client.post("/documents", files=files, data={"source": source})
                if answer.status_code < 500:
                    answer.raise_for_status()
                    return
            time.sleep(0.3 * min(attempt + 1, 5))
        raise RuntimeError("the API takes no document")

    def states(self, name: str) -> dict[str, int]:
        """How many of a user's documents are in which state."""
        found = self.rows(
            "SELECT state, count(*) AS n FROM upload_jobs WHERE user_id = %(user)s GROUP BY state",
            {"user": user_id(name)},
        )
        return {each["state"]: each["n"] for each in found}

    def unpublished(self, name: str) -> int:
        """Accepted documents that are not published."""
        states = self.states(name)
        return self.accepted.get(name, 0) - sum(states.get(each, 0) for each in _PUBLISHED)

    def under_way(self, name: str) -> bool:
        """Whether a document is being worked on."""
        return bool(self.rows(
            "SELECT 1 FROM job_events AS e JOIN upload_jobs AS j ON j.id = e.job_id "
            "WHERE j.user_id = %(user)s AND e.actor NOT IN ('person') LIMIT 1",
            {"user": user_id(name)},
        ))  # fmt: skip

    def prefect(self, method: str, path: str, body: Any = None) -> Any:
        """Ask Prefect's server."""
        auth = (self.home / "prefect" / "auth-string").read_text().strip()
        with prefect_api(f"{self.running.url('prefect')}/api", auth, changing=True) as server:
            answer = server.client.request(method, path, json=body)
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def deployment(self, name: str) -> dict[str, Any]:
        """A deployment by its name."""
        body = {"deployments": {"name": {"any_": [name]}}}
        found: dict[str, Any] = self.prefect("POST", "deployments/filter", body)[0]
        return found

    def run_deployment(self, name: str) -> None:
        """Start a run of a deployment as its schedule would."""
        self.prefect("POST", f"deployments/{self.deployment(name)['id']}/create_flow_run", {})


@contextmanager
def place(scratch: Path) -> Iterator[Place]:
    """Start everything in a folder; ended at the end."""
    receivers = Receivers()
    threading.Thread(target=receivers.serve_forever, daemon=True).start()
    environments = scratch / "environments"
    environments.mkdir(mode=0o700)
    (environments / "local.yaml").write_text(ENVIRONMENT)
    (environments / "local.yaml").chmod(0o600)
    variables = {
        **SETTINGS,
        "NAVIGATOR_ENVIRONMENTS": str(environments),
        "NAVIGATOR_ALERT_ROUTING": json.dumps(ROUTING),
        **{f"SIMULATED_{name.upper()}": receivers.url(name) for name in ("chat", "pager", "mail")},
    }
    with system(Navigator(scratch / "home", variables)) as running:
        yield Place(running, receivers, scratch)
    receivers.shutdown()
