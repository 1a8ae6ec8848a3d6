"""Two users at once, in any order of anything: neither ever sees a trace of the other.

Short by default; NAVIGATOR_TEST_INTERLEAVINGS=1000 runs more histories, NAVIGATOR_TEST_SEED
repeats one run. A failing history is printed with the steps that replay it.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.app.api.calling import accepted, break_off, text, upload
from tests.app.api.serving import RunningApi

# A word of each user's that stands in everything of theirs, and in nothing of the other's.
WORDS = ("armadillo", "barracuda")
USER = st.sampled_from([0, 1])
NUMBER = st.integers(0, 2)
SUBJECTS = ("fire", "water")
_histories = itertools.count()


class Mailbox:
    """Everything that a user's stream of events says, gathered in the background."""

    def __init__(self, client: httpx.Client) -> None:
        self.said: list[str] = []
        self._ready = threading.Event()
        self._stream: httpx.Response | None = None
        self._thread = threading.Thread(target=self._listen, args=(client,), daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def _listen(self, client: httpx.Client) -> None:
        with client.stream("GET", "/events") as answer:
            assert answer.status_code == 200
            self._stream = answer
            self._ready.set()
            with suppress(httpx.TransportError):  # broken off
                for line in answer.iter_lines():
                    self.said.append(line)

    def wait_for(self, word: str) -> None:
        """Until something with this word is said."""
        deadline = time.monotonic() + 240
        while not any(word in line for line in self.said):
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop listening."""
        assert self._stream is not None
        break_off(self._stream)
        self._thread.join(60)
        assert not self._thread.is_alive()


class TwoUsers(RuleBasedStateMachine):
    """Both act on their own and try what they know of the other's ids."""

    api: RunningApi

    def __init__(self) -> None:
        super().__init__()
        number = next(_histories)
        self.names = [f"{word}-{number}" for word in WORDS]
        self.clients = [self.api.client(name) for name in self.names]
        self.watchers = [self.api.client(name) for name in self.names]
        self.mailboxes = [Mailbox(client) for client in self.watchers]
        self.jobs: list[list[dict[str, Any]]] = [[], []]
        self.links: list[list[str]] = [[], []]

    def own(self, user: int, answer: httpx.Response) -> httpx.Response:
        """Make sure that an answer to a user holds nothing of the other's."""
        assert answer.status_code < 500, answer.text
        assert WORDS[1 - user] not in answer.text
        for job in self.jobs[1 - user]:
            asked = str(answer.request.url) + str(answer.request.read())
            for name in ("id", "document_id"):
                assert job[name] not in answer.text or job[name] in asked
        return answer

    @rule(user=USER, subject=st.sampled_from(SUBJECTS), named=st.booleans())
    def upload(self, user: int, subject: str, named: bool) -> None:
        """The same subjects, sources and, but for the user's word, the same bytes."""
        word = WORDS[user]
        fields = {"source": f"policies/{subject}", "tags": [word]} if named else {}
        answer = upload(self.clients[user], text(f"{subject} {word}"), f"{word}.md", **fields)
        self.jobs[user].append(self.own(user, answer).json()["job"])

    @rule(user=USER)
    def upload_what_both_have(self, user: int) -> None:
        """The very same bytes: each has a job of their own for them."""
        answer = self.own(user, upload(self.clients[user], text("shared"), f"{WORDS[user]}.md"))
        self.jobs[user].append(answer.json()["job"])

    @rule(user=USER, number=NUMBER, action=st.sampled_from(["cancel", "retry"]))
    def change_own(self, user: int, number: int, action: str) -> None:
        """Cancel or retry one's own."""
        if job := self.pick(user, number):
            self.own(user, self.clients[user].post(f"/jobs/{job['id']}/{action}"))

    @rule(user=USER, number=NUMBER)
    def work(self, user: int, number: int) -> None:
        """A worker takes a job of somebody's to its end."""
        if job := self.pick(user, number):
            self.api.work_off(job["id"], user="operator")

    @rule(user=USER, number=NUMBER)
    def delete_own(self, user: int, number: int) -> None:
        """Delete one's own."""
        if job := self.pick(user, number):
            self.own(user, self.clients[user].delete(f"/documents/{job['document_id']}"))

    @rule(user=USER)
    def look(self, user: int) -> None:
        """Everything that is listed, exported or counted is one's own."""
        client = self.clients[user]
        for path in ("/jobs?limit=200", "/documents?limit=200", "/users/me/export"):
            self.own(user, client.get(path))
        for query in ({"source": "policies/fire"}, {"tag": WORDS[1 - user]}):
            items = self.own(user, client.get("/documents", params=query)).json()["items"]
            assert not items or "tag" not in query

    @rule(user=USER, mode=st.sampled_from(["hybrid", "vector", "text"]))
    def search(self, user: int, mode: str) -> None:
        """The other's word finds nothing of theirs, only what is one's own."""
        body = {"question": f"the policy of {WORDS[1 - user]}", "mode": mode, "limit": 100}
        answer = self.clients[user].post("/search", json=body)
        self.own(user, answer)
        mine = {job["document_id"] for job in self.jobs[user]}
        assert {each["document_id"] for each in answer.json()["passages"]} <= mine

    @rule(user=USER, number=NUMBER)
    def follow_own(self, user: int, number: int) -> None:
        """A link to one's own original gives one's own bytes."""
        if job := self.pick(user, number):
            answer = self.clients[user].get(f"/documents/{job['document_id']}/original")
            if answer.status_code == 200:
                got = httpx.get(answer.json()["url"])
                assert WORDS[1 - user] not in got.text

    @rule(user=USER, number=NUMBER, other=st.booleans())
    def read_own_page(self, user: int, number: int, other: bool) -> None:
        """A page of one's own, also when the other's version is named, holds nothing of theirs."""
        if job := self.pick(user, number):
            foreign = self.pick(1 - user, number)
            query = {"job": foreign["id"]} if other and foreign else {}
            path = f"/documents/{job['document_id']}/pages/1"
            self.own(user, self.clients[user].get(path, params=query))

    @rule(user=USER, number=NUMBER)
    def try_the_others(self, user: int, number: int) -> None:
        """Every address with the other's ids is as if there were nothing."""
        other = self.pick(1 - user, number)
        if other is None or other["id"] in {job["id"] for job in self.jobs[user]}:
            return
        client, job, document = self.clients[user], other["id"], other["document_id"]
        assert UUID(job)
        for method, path in (
            ("GET", f"/jobs/{job}"), ("GET", f"/jobs/{job}/events"),
            ("POST", f"/jobs/{job}/cancel"), ("POST", f"/jobs/{job}/retry"),
            ("DELETE", f"/jobs/{job}"), ("GET", f"/documents/{document}"),
            ("GET", f"/documents/{document}/original"), ("DELETE", f"/documents/{document}"),
            ("GET", f"/documents/{document}/pages/1"),
            ("GET", f"/documents/{document}/pages/1/picture"),
        ):  # fmt: skip
            assert self.own(user, client.request(method, path)).status_code == 404
        for query in ({"document": document}, {"user": self.names[1 - user]}):
            answer = client.get("/jobs", params=query)
            assert answer.status_code == 403 or answer.json()["items"] == []
        body = {"question": "the policy", "document": document}
        assert self.own(user, client.post("/search", json=body)).status_code == 404

    @rule(user=USER)
    def erase(self, user: int) -> None:
        """One erases everything: the other keeps everything."""
        before = self.clients[1 - user].get("/jobs?limit=200").json()
        self.own(user, self.clients[user].delete("/users/me", params={"confirm": "erase"}))
        assert self.clients[1 - user].get("/jobs?limit=200").json() == before
        assert self.clients[user].get("/jobs").json()["items"] == []
        self.jobs[user] = []

    def pick(self, user: int, number: int) -> dict[str, Any] | None:
        """One of a user's jobs."""
        jobs = self.jobs[user]
        return jobs[number % len(jobs)] if jobs else None

    def teardown(self) -> None:
        """What the streams said was their user's own as well."""
        with ExitStack() as stack:
            for client in (*self.clients, *self.watchers):
                stack.callback(client.close)
            for mailbox in self.mailboxes:
                stack.callback(mailbox.stop)
            for user, mailbox in enumerate(self.mailboxes):
                last = accepted(self.clients[user], text(f"last {WORDS[user]}"))
                mailbox.wait_for(last["id"])
        for user, mailbox in enumerate(self.mailboxes):
            assert WORDS[1 - user] not in "\n".join(mailbox.said)
            mine = {event["job_id"] for event in map(json.loads, told(mailbox.said))}
            others = {job["id"] for job in self.jobs[1 - user]}
            assert not mine & others


def told(lines: list[str]) -> Iterator[str]:
    """The data of events."""
    return (line.removeprefix("data: ") for line in lines if line.startswith("data: "))


# A thousand histories take a quarter of an hour.
@pytest.mark.timeout(0 if "NAVIGATOR_TEST_INTERLEAVINGS" in os.environ else 180)
def test_neither_user_ever_sees_a_trace_of_the_other(api: RunningApi) -> None:
    """Endpoints, searches, links, exports and event streams, whatever the other does meanwhile."""
    number = int(os.environ.get("NAVIGATOR_TEST_SEED") or int.from_bytes(os.urandom(4), "big"))
    print(f"\nNAVIGATOR_TEST_SEED={number}")  # noqa: T201
    TwoUsers.api = api
    options = settings(
        max_examples=int(os.environ.get("NAVIGATOR_TEST_INTERLEAVINGS", "6")),
        stateful_step_count=int(os.environ.get("NAVIGATOR_TEST_STEPS", "12")),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(TwoUsers), settings=options)


@pytest.mark.parametrize("word", WORDS)
def test_the_words_are_not_in_every_answer(api: RunningApi, word: str) -> None:
    """What is looked for would be found: it stands in what its own user gets."""
    with api.client(word) as client:
        upload(client, text(word), f"{word}.md", tags=[word])
        assert word in client.get("/jobs").text
