"""Server-sent events over a real socket: as they happen, in order, to the right user."""

from __future__ import annotations

import threading
import time

import httpx

from app.api import feed
from app.api.authentication import issue_token
from tests.app.api.calling import accepted, is_problem, text, watching
from tests.app.api.serving import RunningApi

STATES = ["uploaded", "parse_queued", "parsed", "parse_validated", "chunks_stored",
          "embeddings_stored", "complete"]  # fmt: skip


def test_a_job_is_told_as_it_happens_to_its_end(anna: httpx.Client, api: RunningApi) -> None:
    """From registration to publication, in order, each once; then the stream ends."""
    job = accepted(anna, text("stream"))["id"]
    worker = threading.Timer(0.3, api.work_off, [job])
    worker.start()
    with watching(anna, f"/jobs/{job}/events") as stream:
        told = stream.until("end")
    worker.join()
    assert [event["data"]["to_state"] for event in told[:-1]] == STATES
    assert told[-1]["data"] == {"state": "complete"}
    ids = [int(event["id"]) for event in told[:-1]]
    assert ids == sorted(set(ids))
    assert {event["data"]["job_id"] for event in told[:-1]} == {job}


def test_a_stream_is_resumed_where_it_broke_off(anna: httpx.Client, api: RunningApi) -> None:
    """Last-Event-ID gives exactly the rest; who has seen everything is told not to come back."""
    job = accepted(anna, text("resume"))["id"]
    api.work_off(job)
    with watching(anna, f"/jobs/{job}/events") as stream:
        told = stream.until("end")
    with watching(anna, f"/jobs/{job}/events", told[2]["id"]) as stream:
        rest = stream.until("end")
    assert rest == told[3:]
    last = {"Last-Event-ID": told[-1]["id"]}
    assert anna.get(f"/jobs/{job}/events", headers=last).status_code == 204
    is_problem(anna.get(f"/jobs/{job}/events", headers={"Last-Event-ID": "x"}), 422)


def test_one_stream_tells_of_all_jobs_of_its_user_alone(
    anna: httpx.Client, ben: httpx.Client, api: RunningApi
) -> None:
    """What happens to another user's jobs is not told, and what happened before neither."""
    accepted(anna, text("before"))
    with watching(anna, "/events") as stream:
        time.sleep(0.2)
        accepted(ben, text("his"))
        mine = [accepted(anna, text(f"mine {n}"))["id"] for n in range(3)]
        told = []
        for event in stream:
            told.append(event)
            if len(told) == 3:
                break
    assert [event["data"]["job_id"] for event in told] == mine
    assert {event["event"] for event in told} == {"registered"}


def test_who_comes_back_misses_nothing(anna: httpx.Client) -> None:
    """After a break the stream of all jobs repeats the last moments rather than leave one out."""
    with watching(anna, "/events") as stream:
        time.sleep(0.2)
        accepted(anna, text("first"))
        first = next(iter(stream))
    meanwhile = [accepted(anna, text(f"meanwhile {n}"))["id"] for n in range(3)]
    with watching(anna, "/events", first["id"]) as stream:
        told = []
        for event in stream:
            told.append(event)
            if event["data"]["job_id"] == meanwhile[-1]:
                break
    new = [event["data"]["job_id"] for event in told if int(event["id"]) > int(first["id"])]
    assert new == meanwhile
    assert len({event["id"] for event in told}) == len(told)


def test_an_operator_watches_everybody(
    anna: httpx.Client, ben: httpx.Client, api: RunningApi
) -> None:
    """Or, when a user is named, that one."""
    with api.client("operator", service=True) as operator:
        with watching(operator, "/events") as stream:
            time.sleep(0.2)
            made = {accepted(anna, text("a"))["id"], accepted(ben, text("b"))["id"]}
            events = iter(stream)
            assert {next(events)["data"]["job_id"] for _ in made} == made
        with watching(operator, "/events?user=ben") as stream:
            time.sleep(0.2)
            accepted(anna, text("a2"))
            his = accepted(ben, text("b2"))["id"]
            assert next(iter(stream))["data"]["job_id"] == his


def test_streams_of_a_user_are_limited(api: RunningApi, ben: httpx.Client) -> None:
    """One too many is a 429; closed ones count no more."""
    with api.client("watcher") as client:
        streams = [watching(client, "/events") for _ in range(feed.WATCHERS_OF_A_USER)]
        for each in streams:
            each.__enter__()
        deadline = time.monotonic() + 240
        while (answer := client.get("/events")).status_code != 429:
            assert time.monotonic() < deadline
        is_problem(answer, 429, "too_many_streams")
        with watching(ben, "/events"):
            pass
        for each in streams:
            each.__exit__(None, None, None)
        deadline = time.monotonic() + 240
        while True:
            with client.stream("GET", "/events") as answer:
                if answer.status_code == 200:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_stream_ends_with_its_token(api: RunningApi) -> None:
    """Nobody goes on watching with a token that has run out."""
    # The verifier grants ten seconds to clocks that differ; the stream does not.
    token = issue_token(api.settings, "anna", service=False, hours=1.5 / 3600)
    headers = {"Authorization": f"Bearer {token}"}
    with (
        httpx.Client(base_url=f"{api.url}/api/v1", headers=headers, timeout=30) as client,
        watching(client, "/events") as stream,
    ):
        assert list(stream) == []


def test_nobody_is_asked_about_while_nobody_watches(api: RunningApi) -> None:
    """The feed stops asking Postgres when the last watcher has gone."""
    deadline = time.monotonic() + 240
    polling = api.parts.feed._polling
    assert polling is not None
    while not polling.done():
        assert time.monotonic() < deadline
        time.sleep(0.1)
