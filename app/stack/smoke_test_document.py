"""Makes the smoke test's document, and asks the API about it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from pipeline.errors import NavigatorError, ServiceUnavailable
from pipeline.settings import Settings
from pipeline.store.engine import Database


@dataclass
class SmokeTest:
    """The state of a smoke test, which its steps hand on to each other."""

    settings: Settings
    client: httpx.AsyncClient
    database: Database
    user: UUID
    word: str = field(default_factory=lambda: f"zebrafinch{uuid4().hex[:12]}")
    job: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """A document that says something nobody else's says."""
        return (
            "# Trial of the system\n\n"
            f"The {self.word} endorsement has a deductible of 500 dollars for each loss.\n"
        ).encode()

    async def request(self, method: str, path: str, **rest: Any) -> httpx.Response:
        """An answer of the API, whatever it is."""
        try:
            return await self.client.request(method, path, **rest)
        except httpx.HTTPError as error:
            raise ServiceUnavailable(
                f"The API does not answer ({type(error).__name__}).",
                remedy="Start it with `navigator up`, or name it with --url.",
            ) from None

    async def ask(self, method: str, path: str, **rest: Any) -> Any:
        """The JSON of an answer, None when it is empty."""
        answer = await self.request(method, f"/api/v1{path}", **rest)
        if answer.is_success:
            return answer.json() if answer.content else None
        raise _refused(answer)


def _refused(answer: httpx.Response) -> NavigatorError:
    problem: dict[str, Any] = {}
    with suppress(ValueError):
        problem = answer.json()
    said = problem.get("detail") or problem.get("title") or "no reason given"
    return NavigatorError(
        f"The API answers {answer.status_code}: {said}", remedy=problem.get("remedy", "")
    )
