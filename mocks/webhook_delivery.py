"""Delivers a job's events to its receivers: three attempts each, and every scripted mishap."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from mocks.faults import Fault, FaultScript, Occasion
from mocks.llamaparse_settings import LlamaParseSettings
from mocks.parse_jobs import ParseJob
from mocks.webhooks import Event, Webhook, signature

PAUSES = (1.0, 2.0)
"""Seconds between the three attempts."""
IN_ORDER_SECONDS = 0.25
"""An event waits so long for the one before it, so that a quick receiver hears them in order."""
NO_FAULT = Fault("")


@dataclass
class DeliveryLedger:
    """Counters of webhook events; an event to two receivers counts twice."""

    events: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    delivered: int = 0
    given_up: int = 0

    def stats(self) -> dict[str, Any]:
        """The counters as JSON-able values."""
        return {
            "events": dict(self.events),
            "faults": dict(self.faults),
            "statuses": dict(self.statuses),
            "attempts": self.attempts,
            "delivered": self.delivered,
            "given_up": self.given_up,
        }


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than a whole delivery to this machine.
    return ssl.create_default_context()


class WebhookSender:
    """Tells receivers what becomes of jobs, beside the server's own work."""

    def __init__(self, settings: LlamaParseSettings, script: FaultScript) -> None:
        self.ledger = DeliveryLedger()
        self._settings = settings
        self._script = script
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, job: ParseJob, webhooks: Sequence[Webhook]) -> None:
        """Tell each receiver of the job's events from now on."""
        for webhook in webhooks:
            self._start(self._watch(job, webhook))

    def forget(self) -> None:
        """End every delivery and set the counters to zero."""
        for task in self._tasks:
            task.cancel()
        self.ledger = DeliveryLedger()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _watch(self, job: ParseJob, webhook: Webhook) -> None:
        held: list[tuple[Event, Fault]] = []
        told = [each for each in job.course() if webhook.hears(each[0])]
        planned = [(kind, due, self._fault(kind, job, webhook)) for kind, due in told]
        # An early end comes before the states that it follows.
        for kind, due, fault in sorted(planned, key=lambda each: each[2].kind != "early"):
            if fault.kind != "early" and await job.cancelled_before(due):
                break
            self.ledger.events[kind] += 1
            self.ledger.faults.update([fault.kind] if fault.kind else [])
            held.append((Event(kind, job.id), fault))
            if fault.kind != "reordered":
                sending = self._start(self._in_turn(webhook, held[::-1]))
                held = []
                if fault.kind != "late":
                    await asyncio.wait({sending}, timeout=IN_ORDER_SECONDS)
        if held:
            self._start(self._in_turn(webhook, held[::-1]))
        if job.cancelled and webhook.hears("parse.cancelled"):
            fault = self._fault("parse.cancelled", job, webhook)
            self.ledger.events["parse.cancelled"] += 1
            await self._deliver(webhook, Event("parse.cancelled", job.id), fault)

    def _fault(self, kind: str, job: ParseJob, webhook: Webhook) -> Fault:
        path = urlsplit(webhook.url).path
        occasion = Occasion("webhooks", "POST", path, job.name.encode(), kind)
        return self._script.pick(occasion) or NO_FAULT

    async def _in_turn(self, webhook: Webhook, events: Sequence[tuple[Event, Fault]]) -> None:
        for event, fault in events:
            await self._deliver(webhook, event, fault)

    async def _deliver(self, webhook: Webhook, event: Event, fault: Fault) -> None:
        if fault.kind == "lost":
            return
        if fault.kind == "late":
            await asyncio.sleep(fault.seconds(5.0))
        body, headers = _written(webhook, event, fault)
        copies = int(fault.parameters.get("copies", 2)) if fault.kind == "duplicate" else 1
        for _ in range(copies):
            await self._attempts(webhook.url, body, headers)

    async def _attempts(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        for pause in (*PAUSES, None):
            if await self._attempt(url, body, headers):
                self.ledger.delivered += 1
                return
            if pause is not None:
                await asyncio.sleep(pause * self._settings.time_scale)
        self.ledger.given_up += 1

    async def _attempt(self, url: str, body: bytes, headers: dict[str, str]) -> bool:
        self.ledger.attempts += 1
        timeout = self._settings.webhook_timeout
        try:
            async with (
                asyncio.timeout(timeout),
                httpx.AsyncClient(timeout=timeout, trust_env=False, verify=_tls()) as client,
            ):
                status = (await client.post(url, content=body, headers=headers)).status_code
        except (httpx.HTTPError, TimeoutError) as error:
            self.ledger.statuses[type(error).__name__] += 1
            return False
        self.ledger.statuses[str(status)] += 1
        return 200 <= status < 300


def _written(webhook: Webhook, event: Event, fault: Fault) -> tuple[bytes, dict[str, str]]:
    if fault.kind == "stale":
        event = event.aged(fault.seconds(3600.0))
    body, headers = event.body(webhook.output_format), event.headers(webhook)
    secret = webhook.secret if fault.kind != "forged" else "not the secret"
    if secret is not None and fault.kind != "unsigned":
        headers["LC-Signature"] = signature(secret, body)
    if fault.kind == "altered":
        body = Event(event.event_type, f"{event.job_id}-altered", event.event_id).body(
            webhook.output_format
        )
    return body, headers
