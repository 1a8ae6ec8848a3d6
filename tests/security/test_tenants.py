"""Two tenants over the real API: what one learns of the other from bills, plans and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from mocks import OpenAIMock
from pipeline.identity import user_id
from pipeline.settings import Settings
from tests.app.api.calling import accepted
from tests.app.api.database import rows_of
from tests.app.api.serving import RunningApi, serving

DIAGNOSIS = "# Findings\n\n" + "The insured person has been treated for a rare illness. " * 8
BILL = ("billed_tokens", "cost_usd", "tokens", "chunks", "state")


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIMock]:
    """The mock server that counts what it is sent."""
    with OpenAIMock() as mock:
        yield mock


@pytest.fixture(scope="module")
def api(
    openai: OpenAIMock, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningApi]:
    """The API with paid embeddings."""
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=SecretStr(module_database_url),
        openai_api_key=SecretStr("sk-test"),
        openai_base_url=openai.base_url,
        requests_per_minute=0,
        uploads_per_minute=0,
    )
    with serving(settings) as running:
        yield running


def bill(api: RunningApi, client: httpx.Client, user: str, text: str = DIAGNOSIS) -> dict[str, Any]:
    """What a tenant is told of a document of theirs, once it is published."""
    job = accepted(client, text, name="findings.md")
    api.work_off(job["id"], user=user)
    told = client.get(f"/jobs/{job['id']}").json()
    assert told["state"] == "complete", told
    return {name: told[name] for name in BILL}


def test_a_guess_costs_what_it_costs(api: RunningApi, openai: OpenAIMock) -> None:
    """A passage that another tenant has is sent and billed like one that nobody has."""
    with api.client("patient") as patient, api.client("guesser") as guesser:
        first = bill(api, patient, "patient")
        before = openai.stats()
        guessed = bill(api, guesser, "guesser")
        after = openai.stats()
    assert guessed == first
    assert guessed["billed_tokens"] > 0
    assert after["requests"] - before["requests"] == 1
    assert after["inputs"] - before["inputs"] == guessed["chunks"]
    calls = rows_of(api, "service_calls", user_id("guesser"))
    assert sum(call["tokens"] for call in calls) == guessed["billed_tokens"]


def test_a_question_costs_who_asks_it(api: RunningApi, openai: OpenAIMock) -> None:
    """What the embedder bills for a search is in the ledger, and on no document's bill."""
    with api.client("asker") as asker:
        billed = bill(api, asker, "asker")["billed_tokens"]
        before = openai.stats()["billed_tokens"]
        found = asker.post("/search", json={"question": "Which illness was treated?"}).json()
        spent = openai.stats()["billed_tokens"] - before
        jobs = asker.get("/jobs").json()["items"]
    assert found["passages"]
    assert spent > 0
    calls = rows_of(api, "service_calls", user_id("asker"))
    assert sum(call["tokens"] for call in calls if call["run_id"] is None) == spent
    assert sum(job["billed_tokens"] for job in jobs) == billed


def test_ones_own_passage_is_paid_once(api: RunningApi) -> None:
    """Within a tenant nothing is bought twice, as before."""
    with api.client("saver") as saver:
        assert bill(api, saver, "saver")["billed_tokens"] > 0
        again = bill(api, saver, "saver", f"{DIAGNOSIS}\n\n")
    assert again["billed_tokens"] == 0


def test_a_name_like_an_id_opens_nothing(api: RunningApi) -> None:
    """A tenant who is called by the id of another one sees none of theirs."""
    with api.client("victim") as victim, api.client(str(user_id("victim"))) as other:
        job = accepted(victim, DIAGNOSIS, name="mine.md")
        assert other.get("/documents").json()["items"] == []
        assert other.get(f"/jobs/{job['id']}").status_code == 404
        assert other.get("/documents", params={"user": str(user_id("victim"))}).status_code == 403
        assert other.get("/documents", params={"user": "victim"}).status_code == 403
        assert victim.get("/documents", params={"user": "victim"}).status_code == 200
