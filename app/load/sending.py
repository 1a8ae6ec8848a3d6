"""Sends planned requests to the API at their moments, whatever the answers to others do."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from app.chaos.generated_documents import policy
from app.load.arrivals import Arrival
from app.load.local_load import DOCUMENT_SECTIONS, FOLDER_AT_ONCE, FOLDER_DOCUMENTS, Kind
from app.load.timings import Answer, Timings

TIMEOUT_SECONDS = 30.0
_QUESTIONS = (
    "Who shall report water damage, and when?", "Is theft of goods covered for a tenant?",
    "How high is the deductible under section 12?", "When is the yearly premium reimbursed?",
    "What counts as a total loss?", "What may the claims office inspect?",
)  # fmt: skip


@dataclass
class User:
    """One user of the load.

    Attributes:
        headers: with the token.
        job: the newest one, whose status is asked for.
    """

    name: str
    headers: dict[str, str]
    job: str | None = None


@dataclass
class Sender:
    """Sends requests for users; every answer is kept in `timings`.

    Args:
        seed: of documents and questions; no two loads with different seeds send the same text.
    """

    client: httpx.AsyncClient
    users: Sequence[User]
    seed: int
    timings: Timings = field(default_factory=Timings)
    accepted: int = 0
    _sent: int = 0

    async def send(self, planned: Sequence[Arrival]) -> None:
        """Send everything at its moment, and wait for the last answer."""
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for each in planned:
                await asyncio.sleep(max(0.0, began + each.at - time.perf_counter()))
                group.create_task(self._one(each, began + each.at))

    async def _one(self, planned: Arrival, moment: float) -> None:
        user = self.users[planned.user]
        if planned.kind is Kind.FOLDER:
            await self._folder(user, moment)
        else:
            await self.ask(planned.kind, user, moment)

    async def _folder(self, user: User, moment: float) -> None:
        """Send a folder as the dashboard does: some files at a time, the next when one is done."""
        left = iter([moment] * FOLDER_AT_ONCE + [None] * (FOLDER_DOCUMENTS - FOLDER_AT_ONCE))

        async def some() -> None:
            for since in left:
                await self.ask(Kind.FOLDER, user, since or time.perf_counter())

        await asyncio.gather(*(some() for _ in range(FOLDER_AT_ONCE)))

    async def ask(self, kind: Kind, user: User, moment: float) -> None:
        """Send one request now; its latency counts from the moment it was planned for."""
        late = time.perf_counter() - moment
        try:
            answer = await self._request(kind, user)
            error = None if answer.is_success else str(answer.status_code)
            if error is None and kind in (Kind.UPLOAD, Kind.FOLDER):
                user.job = answer.json()["job"]["id"]
                self.accepted += 1
        except httpx.HTTPError as failure:
            error = type(failure).__name__
        except (ValueError, KeyError, TypeError):
            error = "not an answer of this API"
        latency = time.perf_counter() - moment
        self.timings.answers.append(Answer(kind, latency, late, error))

    async def _request(self, kind: Kind, user: User) -> httpx.Response:
        self._sent += 1
        chance = random.Random(f"{self.seed}/{self._sent}")  # noqa: S311 - a replayable draw is meant
        match kind:
            case Kind.UPLOAD | Kind.FOLDER:
                return await self._upload(user, chance)
            case Kind.STATUS:
                return await self._get(user, f"/jobs/{user.job}" if user.job else "/jobs")
            case Kind.SEARCH:
                body = {"question": chance.choice(_QUESTIONS)}
                return await self.client.post("/search", headers=user.headers, json=body)
            case Kind.OVERVIEW:
                return await self._get(user, "/overview")
            case Kind.JOBS:
                return await self._get(user, "/jobs?limit=20")

    async def _get(self, user: User, path: str) -> httpx.Response:
        return await self.client.get(path, headers=user.headers)

    async def _upload(self, user: User, chance: random.Random) -> httpx.Response:
        text = policy(self._sent, self.seed, chance.randint(*DOCUMENT_SECTIONS))
        file = (f"policy-{self._sent}.md", text.encode(), "text/markdown")
        return await self.client.post("/documents", headers=user.headers, files={"file": file})
