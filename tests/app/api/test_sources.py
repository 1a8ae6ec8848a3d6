"""Sources, for operators: by the API and on the dashboard."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx
import pytest

from pipeline.identity import user_id
from pipeline.source_definition import SourceDefinition
from pipeline.store import sources
from tests.app.api.calling import is_problem
from tests.app.api.serving import RunningApi
from tests.app.api.tab import Page, browser, page

__all__ = ["browser", "page"]

RUN = uuid4()


@pytest.fixture(scope="module", autouse=True)
def added(api: RunningApi) -> None:
    """One source that was read well, and one that was not."""
    api.run(_add(api, "claims", None))
    api.run(_add(api, "letters", "The mail server does not let the source's user in."))


async def _add(api: RunningApi, name: str, trouble: str | None) -> None:
    made = SourceDefinition(
        f"s3://bucket/{name}", user_id("anna"), uuid4(), name,
        credentials="env:BUCKET_KEYS", interval_seconds=900,
    )  # fmt: skip
    assert isinstance(made.id, UUID)
    async with api.parts.database.service() as connection:
        await sources.add(connection, made)
        assert await sources.claim(connection, made.id, RUN)
        counts = {"listed": 1234, "read": 12, "deleted": 3, "rejected": 1}
        await sources.conclude(connection, made.id, RUN, counts, trouble)


def test_operators_read_what_came_of_each(api: RunningApi) -> None:
    """Where it is, when it is read, what its last run did and why it failed; no credentials."""
    with api.client("operator", service=True) as operator:
        claims, letters = operator.get("/sources").json()["items"]
    assert (claims["url"], claims["schedule"]) == ("s3://bucket/claims", "every 15m")
    assert claims["counts"]["listed"] == 1234
    assert (claims["last_run_id"], claims["trouble"]) == (str(RUN), None)
    assert letters["trouble"].startswith("The mail server")
    assert "BUCKET_KEYS" not in str((claims, letters))


OPERATORS_ONLY = {
    "/sources": "Sources are for operators.",
    "/maintenance": "What maintenance finds is for operators.",
    "/forecast": "What is foreseen is for operators.",
    "/releases": "Releases are for operators.",
    "/alerts": "Alerts are for operators.",
    "/incidents": "Incidents are for operators.",
}


def test_nobody_else_reads_them(api: RunningApi) -> None:
    """They say where others' documents come from: a user gets 403, who has no token 401."""
    with api.client("anna") as anna:
        told = {path: is_problem(anna.get(path), 403)["detail"] for path in OPERATORS_ONLY}
    assert told == OPERATORS_ONLY
    is_problem(httpx.get(f"{api.url}/api/v1/sources"), 401)


@pytest.mark.parametrize("width", [1200, 390])
def test_the_dashboard_shows_them_to_operators_only(page: Page, width: int) -> None:
    """A table with what failed; nothing of it for a user."""
    page.resize(width)
    page.open("operator", service=True, view="operations")
    page.until(lambda: "1,234" in page.text("#sources"))
    assert "does not let the source's user in" in page.text("#sources")
    inner, scroll = page.browser.execute_script(
        "return [innerWidth, document.documentElement.scrollWidth]"
    )
    assert scroll <= inner
    assert "[object" not in page.text()
    assert page.browser.get_log("browser") == []
    page.open("anna", view="operations")
    page.until(lambda: page.text("#queue"))
    assert "s3://bucket" not in page.text()
