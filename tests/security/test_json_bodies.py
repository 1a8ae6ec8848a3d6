"""JSON from a stranger: at a cost that is its size, and with an answer that is small."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from app.api.fields import MAX_TAG, MAX_TAGS
from app.api.json_bodies import parse
from app.api.middleware import BODY_BYTES
from app.api.problems import SHOWN_ERRORS, WrongFields
from app.api.routes.search import SearchBody
from tests.app.api.calling import is_problem
from tests.app.api.conftest import anna, api, api_settings

__all__ = ["anna", "api", "api_settings"]

JSON = {"Content-Type": "application/json"}
SMALL = 6_000
"""Bytes of an answer."""


def post(client: httpx.Client, raw: bytes | str) -> httpx.Response:
    return client.post("/search", content=raw, headers=JSON)


def unknown_keys(number: int) -> bytes:
    return json.dumps({"question": "a", **{f"k{n}": 1 for n in range(number)}}).encode()


def filled(start: str, piece: str, end: str = "") -> str:
    """As much of a piece as a body may hold."""
    return start + piece * ((BODY_BYTES - len(start) - len(end)) // len(piece)) + end


def test_what_is_wrong_is_counted_and_cut(anna: httpx.Client) -> None:
    """Of thousands of unknown keys the first are named, all are counted, the answer is small."""
    answer = post(anna, unknown_keys(5000))
    told = is_problem(answer, 422, "invalid_request")
    assert len(told["errors"]) == SHOWN_ERRORS
    assert told["errors"][0]["where"] == "body.k0"
    assert "5,000 things are wrong" in told["detail"]
    assert len(answer.content) < SMALL


@pytest.mark.parametrize(
    "raw",
    [
        '{"question": "a", "' + "k" * 60_000 + '": 1}',
        '{"question": "' + "a" * 60_000 + '"}',
        '{"question": "a", "mode": "' + "m" * 60_000 + '"}',
        '{"question": "a", "document": "' + "d" * 60_000 + '"}',
        filled('{"question": "a", "tags": [', '"\\u0000",', '""]}'),
        filled('{"question": "a", "roles": [', '"x",', '""]}'),
        filled('{"question": "a", "limit": ', "[", ""),
        filled("", "["),
        filled("", '{"a":'),
        '{"question": ' + "[" * 900 + "]" * 900 + "}",
        '{"question": "a", "limit": ' + "9" * 400 + "}",
        '{"question": "a", "limit": ' + "9" * 60_000 + "}",
        '{"question": "a", "limit": -' + "9" * 60_000 + "}",
        '{"question": "a", "limit": 1e400}',
        '{"question": "a", "limit": 1e-999999999}',
        '{"question": "a", "limit": 0.' + "3" * 60_000 + "}",
        '{"question": "a", "limit": NaN}',
        '{"question": "a", "limit": -Infinity}',
        '{"question": "a", "question": "b"}',
        '{"question": "a", "\\ud800": 1}',
        '{"question": "\\ud800"}',
        '{"question": "a", "tags": {"\\udfff": 1}}',
        '{"question": "a"}{}',
        '{"question": "a",}',
        "{'question': 'a'}",
        '\ufeff{"question": "a"}',
        "null",
        "[]",
        "",
        " " * BODY_BYTES,
    ],
    ids=lambda raw: raw[:40],
)
def test_every_body_has_a_small_answer(anna: httpx.Client, raw: str) -> None:
    """Long, deep, huge, doubled and broken: the client's mistake, told in a few words."""
    answer = post(anna, raw)
    assert answer.status_code in (400, 422), answer.text
    is_problem(answer, answer.status_code)
    assert len(answer.content) < SMALL


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{"question": "a", "limit": NaN}', "NaN is no number"),
        ('{"question": "a", "x": -Infinity}', "-Infinity is no number"),
        ('{"question": "a", "question": "b"}', "a key is there twice"),
        ('{"question": "a",}', "it is malformed"),
    ],
)
def test_what_other_readers_refuse_is_no_json(anna: httpx.Client, raw: str, said: str) -> None:
    """Python's reader is more lenient than the format."""
    [told] = is_problem(post(anna, raw), 422)["errors"]
    assert told == {"where": "body", "message": f"The body is no JSON: {said}."}


@pytest.mark.parametrize("raw", [b"\xff\xfe{\x00}\x00", b'{"question": "\xff"}', bytes(100)])
def test_what_is_no_text_is_refused(anna: httpx.Client, raw: bytes) -> None:
    """Only UTF-8 is JSON."""
    assert post(anna, raw).status_code in (400, 422)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
def test_a_body_says_that_it_is_json(anna: httpx.Client, kind: str) -> None:
    """What a plain form of another page can send is not taken for JSON."""
    answer = anna.post("/search", content=b'{"question": "a"}', headers={"Content-Type": kind})
    is_problem(answer, 415, "unsupported_media_type")


def test_parameters_are_counted_and_cut_too(anna: httpx.Client) -> None:
    """Thousands of wrong parameters of an address have a small answer."""
    answer = anna.get("/documents?" + "&".join(["tag=%00"] * 3000))
    is_problem(answer, 422)
    assert len(answer.content) < SMALL


def test_the_longest_question_fits(anna: httpx.Client) -> None:
    """Every character escaped, with every tag: what the limit of a body was made for."""
    body: dict[str, Any] = {
        "question": "\U0001f3e0" * 4000,
        "tags": ["\U0001f3e0" * MAX_TAG] * MAX_TAGS,
    }
    raw = json.dumps(body)
    assert len(raw) > BODY_BYTES * 0.9
    assert post(anna, raw).status_code == 200


def test_the_cost_of_a_body_is_its_size() -> None:
    """Four times the unknown keys cost about four times as much."""
    cost = {number: min(spent(unknown_keys(number)) for _ in range(5)) for number in (2500, 10_000)}
    assert cost[10_000] < 12 * cost[2500]


def spent(raw: bytes) -> float:
    """Seconds of the processor."""
    began = time.process_time()
    with pytest.raises(WrongFields):
        parse(raw, SearchBody)
    return time.process_time() - began
