"""What the product's frontend does, as a script: one person, logged in, at the API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from tests.app.api.calling import Stream, break_off

WAIT_SECONDS = 90


@dataclass
class Page:
    """What the person sees: the newest of each job, kept up to date by events."""

    states: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def show(self, event: dict[str, Any]) -> None:
        """Take an event in; one that was told before changes nothing."""
        with self.changed:
            if event["id"] not in {each["id"] for each in self.events}:
                self.events.append(event)
                self.states[event["data"]["job_id"]] = event["data"]["to_state"]
            self.changed.notify_all()

    def wait(self, what: str, seen: Callable[[Page], bool]) -> None:
        """Until the person sees something."""
        with self.changed:
            assert self.changed.wait_for(lambda: seen(self), WAIT_SECONDS), f"{what}: {self.states}"


class Frontend:
    """A browser with the product in it, from the beginning of a block to its end."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.page = Page()
        self._closing = False
        self._connected = threading.Event()
        self._stream: httpx.Response | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        """Show what there is, and what happens from now on."""
        self.page.states = {job["id"]: job["state"] for job in self.get("/jobs")["items"]}
        self._thread.start()
        if not self._connected.wait(60):
            self.close()
            raise AssertionError("the stream of events does not begin")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave: the stream is broken off, and nothing goes on that would need the client."""
        self._closing = True
        while self._thread.is_alive():
            if (stream := self._stream) is not None:
                break_off(stream)
            self._thread.join(0.1)

    def _listen(self) -> None:
        last: str | None = None
        while not self._closing:
            headers = {"Last-Event-ID": last} if last else {}
            try:
                with self.client.stream("GET", "/events", headers=headers) as answer:
                    self._stream = answer
                    self._connected.set()
                    for event in Stream(answer):
                        last = event["id"]
                        self.page.show(event)
            except httpx.TransportError:  # as an EventSource does: come back, and go on
                self._stream = None
                time.sleep(0.2)

    def get(self, path: str, **query: Any) -> Any:
        """What is shown at an address."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, *expected: int, **body: Any) -> Any:
        """Press a button."""
        answer = self.client.post(path, **body)
        assert answer.status_code in expected, answer.text
        return answer.json()

    def drop(self, files: Iterable[tuple[str, bytes]], **fields: Any) -> list[dict[str, Any]]:
        """Drop files on the page: each is an upload of its own."""
        return [
            self.post("/documents", 200, 202, files={"file": (name, content)}, data=fields)["job"]
            for name, content in files
        ]

    def send_signed(self, name: str, content: bytes, **described: Any) -> dict[str, Any]:
        """Upload a large file the other way: straight to a signed URL."""
        body = {"name": name, "bytes": len(content)} | described
        made = self.post("/uploads", 201, json=body)
        link = made["upload"]
        sent = httpx.request(link["method"], link["url"], content=content, headers=link["headers"])
        assert sent.is_success, sent.text
        job: dict[str, Any] = self.post(f"/uploads/{made['id']}/complete", 200, 202)["job"]
        return job

    def until(self, state: str, *jobs: str) -> None:
        """Wait until these jobs are seen in a state."""
        self.page.wait(state, lambda page: all(page.states.get(job) == state for job in jobs))

    def search(self, question: str, **where: Any) -> list[str]:
        """The names of the documents that answer, best first."""
        found = self.post("/search", 200, json={"question": question} | where)
        return [passage["name"] for passage in found["passages"]]
