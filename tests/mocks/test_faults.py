"""Fault scripts: which requests fail, repeatably; and how the server misbehaves on the wire."""

from __future__ import annotations

import socket
import time

import httpx
import pytest

from mocks import OpenAIMock
from mocks.faults import FaultScript, Occasion

pytestmark = pytest.mark.no_ledger("the mock server is asked by itself")

KINDS = {"openai": {"quota": frozenset({"code"})}}
PATH = "/v1/embeddings"
ASKED = {"model": "text-embedding-3-small", "input": "hello"}
HEADERS = {"authorization": "Bearer x"}


def fired(rule: dict[str, object], requests: int, body: bytes = b"") -> list[int]:
    """The numbers of the requests that one rule hits."""
    script = FaultScript(KINDS)
    script.load([{"service": "openai", "fault": "quota", **rule}])
    occasion = Occasion("openai", "POST", PATH, body)
    return [n for n in range(1, requests + 1) if script.pick(occasion) is not None]


def test_a_rate_is_replayed_by_its_seed() -> None:
    """The same seed hits the same requests, another seed others, and the rate holds."""
    first = fired({"rate": 0.3, "seed": 7}, 1000)
    assert first == fired({"rate": 0.3, "seed": 7}, 1000)
    assert first != fired({"rate": 0.3, "seed": 8}, 1000)
    assert 250 < len(first) < 350


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"rate": 0}, []),
        ({"schedule": [2, 5]}, [2, 5]),
        ({"schedule": {"from": 3, "to": 7, "every": 2}}, [3, 5, 7]),
        ({"times": 2}, [1, 2]),
        ({"schedule": {"after_seconds": 60}}, []),
        ({"schedule": {"for_seconds": 60}}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"match": {"path": "/v1/models"}}, []),
        ({"match": {"method": "post", "path": "/v1"}}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"match": {"contains": "poison"}}, []),
    ],
    ids=str,
)
def test_which_requests_a_rule_hits(rule: dict[str, object], expected: list[int]) -> None:
    """Schedules count the matching requests from 1; what does not match is not counted."""
    assert fired(rule, 8, b"harmless") == expected


@pytest.mark.parametrize(
    "rule",
    [
        {"service": "openai", "fault": "quotas"},
        {"service": "opneai", "fault": "quota"},
        {"service": "openai", "fault": "quota", "rat": 0.1},
        {"service": "openai", "fault": "quota", "match": {"paths": "/v1"}},
        {"service": "openai", "fault": "quota", "schedule": {"until": 3}},
        {"service": "openai", "fault": {"kind": "quota", "cod": "x"}},
    ],
    ids=str,
)
def test_a_misspelled_rule_is_refused(rule: dict[str, object]) -> None:
    """A rule that would silently never fire is an error, and the rules in force stay."""
    script = FaultScript(KINDS)
    script.load([{"service": "openai", "fault": "quota"}])
    with pytest.raises(ValueError, match="unknown"):
        script.load([rule])
    assert script.pick(Occasion("openai", "POST", PATH)) is not None


def test_the_server_refuses_a_wrong_script(mock: OpenAIMock) -> None:
    """The fixture hears why a script is wrong."""
    with pytest.raises(ValueError, match="unknown fault kind"):
        mock.faults("no_such_fault")


def post(mock: OpenAIMock, timeout: float = 5) -> httpx.Response:
    url = f"{mock.base_url}/embeddings"
    return httpx.post(url, json=ASKED, headers=HEADERS, timeout=timeout)


@pytest.mark.parametrize(("kind", "billed"), [("reset", 0), ("drop", 1)])
def test_a_reset_before_and_after_the_work(mock: OpenAIMock, kind: str, billed: int) -> None:
    """Both end the connection without an answer; only a dropped answer was billed."""
    mock.faults(kind)
    with pytest.raises(httpx.NetworkError):
        post(mock)
    assert mock.stats()["billed_tokens"] == billed


def test_a_cut_body_and_cut_json(mock: OpenAIMock) -> None:
    """A cut body breaks the promise of its length; cut JSON is a whole answer that is none."""
    mock.faults({"fault": "truncated_body", "times": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        post(mock)
    mock.faults("truncated_json")
    answer = post(mock)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"JSON|Unterminated|Expecting"):
        answer.json()


def test_slow_answers(mock: OpenAIMock) -> None:
    """A late answer comes late, a slow body comes in pieces, a hanging one does not come."""
    started = time.perf_counter()
    mock.faults({"fault": {"kind": "latency", "seconds": 0.2}})
    assert post(mock).status_code == 200
    mock.faults({"fault": {"kind": "slow_body", "seconds": 0.3}})
    assert len(post(mock).json()["data"]) == 1
    assert time.perf_counter() - started > 0.5
    mock.faults("hang")
    with pytest.raises(httpx.ReadTimeout):
        post(mock, timeout=0.2)
    assert mock.stats()["billed_requests"] == 2


def test_other_requests_are_served_while_one_hangs(mock: OpenAIMock) -> None:
    """A hanging connection holds up nobody else, and is counted as under way."""
    mock.faults({"fault": "hang", "times": 1})
    with pytest.raises(httpx.ReadTimeout):
        post(mock, timeout=0.2)
    assert post(mock).status_code == 200
    assert mock.fault_stats() == [{"service": "openai", "kind": "hang", "matched": 2, "fired": 1}]


def test_garbage_on_the_socket_ends_that_connection_only(mock: OpenAIMock) -> None:
    """Bytes that are no HTTP do not disturb the server."""
    with socket.create_connection(("127.0.0.1", mock.port), timeout=60) as raw:
        raw.sendall(b"\x16\x03\x01 no http\r\n\r\n")
        assert raw.recv(100) == b""
    assert post(mock).status_code == 200


def test_a_process_of_its_own() -> None:
    """In a process the server behaves the same, takes its settings, and ends with the block."""
    with OpenAIMock(process=True, latency=0.05, api_key="x") as mock:
        mock.faults({"fault": "quota", "schedule": [2]})
        started = time.perf_counter()
        assert post(mock).status_code == 200
        assert time.perf_counter() - started > 0.05
        assert post(mock).status_code == 429
        assert mock.stats()["statuses"] == {"200": 1, "429": 1}
        port = mock.port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
