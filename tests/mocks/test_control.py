"""One fault script for all services, loaded while they run; health and counters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mocks import OpenAIMock
from mocks.fault_kinds import EVERY_KIND
from mocks.faults import FaultScript, read_script

pytestmark = pytest.mark.no_ledger("the mock server is asked by itself")

EXAMPLE = Path(__file__).parents[2] / "mocks" / "faults.example.yaml"
YAML = b"""
# both services in one script
- service: openai
  fault: quota
  times: 1
- service: llamaparse
  match: {path: /api/v2/parse}
  fault: {kind: status, status: 503, retry_after: "NaN"}
- service: webhooks
  match: {event: parse.success}
  fault: {kind: duplicate, copies: 3}
"""


@pytest.fixture
def control(mock: OpenAIMock) -> Iterator[httpx.Client]:
    """A client at the server's root, with any key."""
    root = mock.base_url.removesuffix("/v1")
    with httpx.Client(base_url=root, headers={"authorization": "Bearer any"}) as client:
        yield client


def load(control: httpx.Client, script: bytes) -> httpx.Response:
    return control.post("/__mock/faults", content=script)


@pytest.mark.parametrize("written", [YAML, json.dumps(read_script(YAML)).encode()])
def test_one_script_for_both_services_in_yaml_or_json(
    control: httpx.Client, written: bytes
) -> None:
    """Each service meets its own rules, at once; the counters say how often."""
    assert load(control, written).json() == {"rules": 3}
    asked = {"model": "text-embedding-3-small", "input": "x"}
    statuses = [control.post("/v1/embeddings", json=asked).status_code for _ in range(2)]
    assert statuses == [429, 200]
    refused = control.get("/api/v2/parse")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "NaN")
    told = control.get("/__mock/stats").json()
    assert [(rule["service"], rule["matched"], rule["fired"]) for rule in told["faults"]] == [
        ("openai", 2, 1), ("llamaparse", 1, 1), ("webhooks", 0, 0)
    ]  # fmt: skip
    assert control.get("/__mock/faults").json() == read_script(written)
    assert load(control, b"[]").json() == {"rules": 0}
    assert control.get("/api/v2/parse").status_code == 200


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (b"service: openai", "list of rules"),
        (b"- one", "list of rules"),
        (b"- {service: [", "neither YAML nor JSON"),
        (b"\xff\xfe\xff", "neither YAML nor JSON"),
        (b"- {service: webhooks, fault: hang}", "unknown fault kind 'hang'"),
        (b"- {service: webhooks, fault: {kind: late, second: 3}}", "unknown parameters of late"),
        (b"- {service: openai, fault: !!python/name:os.system x}", "neither YAML nor JSON"),
    ],
    ids=str,
)
def test_a_script_that_cannot_be_used(control: httpx.Client, script: bytes, reason: str) -> None:
    """It is refused with its reason, and the rules in force stay."""
    load(control, YAML)
    answer = load(control, script)
    assert answer.status_code == 400
    assert reason in answer.json()["detail"]
    assert len(control.get("/__mock/faults").json()) == 3


def test_the_example_script(control: httpx.Client) -> None:
    """It can be loaded as it is, speaks of all services, and its seeds repeat its faults."""
    rules = load(control, EXAMPLE.read_bytes()).json()["rules"]
    assert rules == len(read_script(EXAMPLE.read_bytes())) > 5
    assert {rule["service"] for rule in control.get("/__mock/faults").json()} == set(EVERY_KIND)
    asked = {"model": "text-embedding-3-small", "input": "x"}
    seen: list[list[int]] = []
    for _ in range(2):
        load(control, EXAMPLE.read_bytes())
        seen.append([control.post("/v1/embeddings", json=asked).status_code for _ in range(4)])
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("service", "kind"), [(s, k) for s, kinds in EVERY_KIND.items() for k in kinds]
)
def test_every_kind_can_be_scripted(service: str, kind: str) -> None:
    """Each kind is taken with all its parameters, and with no other."""
    script = FaultScript()
    parameters: dict[str, Any] = dict.fromkeys(EVERY_KIND[service][kind], 1)
    script.load([{"service": service, "fault": {"kind": kind, **parameters}}])
    assert script.stats() == [{"service": service, "kind": kind, "matched": 0, "fired": 0}]
    with pytest.raises(ValueError, match="unknown parameters"):
        script.load([{"service": service, "fault": {"kind": kind, "color": "red"}}])


def test_health(control: httpx.Client) -> None:
    """It says which services are served and for how long the server has been up."""
    told = control.get("/__mock/health").json()
    assert told["status"] == "ok"
    assert set(told["services"]) == {"openai", "llamaparse"}
    assert told["up_seconds"] >= 0


def test_a_reset_forgets_both(control: httpx.Client) -> None:
    """Counters, jobs, files and faults are gone afterwards."""
    load(control, YAML)
    control.post("/api/v1/beta/files", files={"file": ("a.md", b"x")})
    control.post("/__mock/reset")
    told = control.get("/__mock/stats").json()
    assert (told["faults"], told["llamaparse"]["uploads"]) == ([], 0)
    assert told["openai"]["requests"] == 0
    assert control.get("/api/v1/beta/files").json()["items"] == []
