"""The overview: figures of one's own, of everybody's for operators, and what they say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from pipeline.identity import user_id
from pipeline.store import rate_limits, service_calls
from pipeline.store.rate_limits import RateLimits
from pipeline.store.schema import SCHEMA
from pipeline.store.service_calls import ServiceCall
from tests.app.api.calling import ENCRYPTED, accepted, is_problem, text
from tests.app.api.serving import RunningApi


def of(client: httpx.Client, **query: str) -> dict[str, Any]:
    answer = client.get("/overview", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_nobody_sees_anything_without_a_token(api: RunningApi) -> None:
    """Without a token the answer is 401."""
    is_problem(httpx.get(f"{api.url}/api/v1/overview"), 401)


def test_an_empty_corpus_is_all_zeros(api: RunningApi) -> None:
    """Who has nothing gets an hour and two weeks of zeros."""
    with api.client("nobody") as client:
        found = of(client)
    assert found["documents"] == {}
    assert found["queue"] == {"waiting": 0, "held": 0, "oldest": 0.0}
    assert len(found["throughput"]) == 60
    assert len(found["quality"]) == 14
    assert found["troubles"] == []
    assert Decimal(found["spend"]["forecast"]) == 0


def test_users_see_their_own_and_operators_everybodys(api: RunningApi) -> None:
    """Published, waiting and failed documents count for their user only; an operator sees all."""
    with api.client("olga") as olga, api.client("paul") as paul:
        done = accepted(olga, text("olga's roof"))
        locked = accepted(olga, ENCRYPTED.read_bytes(), name="secret-olga.pdf")
        api.work_off(done["id"], locked["id"], user="olga")
        accepted(olga, text("olga's boat"))
        accepted(paul, text("paul"))
        hers, his = of(olga), of(paul)
    assert hers["documents"] == {"complete": 1, "failed_parse": 1, "uploaded": 1}
    assert hers["queue"]["waiting"] == 1
    assert hers["everybody"] is False
    assert sum(minute["documents"] for minute in hers["throughput"]) == 1
    assert sum(minute["chunks"] for minute in hers["throughput"]) >= 1
    assert sum(day["passed"] for day in hers["quality"]) > 0
    [trouble] = hers["troubles"]
    assert trouble["number"] == 1
    [document] = trouble["documents"]
    assert document["name"] == "secret-olga.pdf"
    assert document["message"].endswith(".")
    assert document["remedy"]
    assert document["retryable"]
    assert his["documents"] == {"uploaded": 1}
    assert his["troubles"] == []
    assert sum(day["passed"] for day in his["quality"]) == 0
    with api.client("operator", service=True) as operator:
        everybody, only_paul = of(operator), of(operator, user="paul")
    assert everybody["everybody"] is True
    assert everybody["documents"]["uploaded"] >= 2
    assert only_paul["documents"] == his["documents"]
    with api.client("paul") as paul:
        is_problem(paul.get("/overview", params={"user": "olga"}), 403)


def test_services_show_calls_latency_money_and_circuit(api: RunningApi) -> None:
    """Calls, successes, percentiles and dollars are the user's; the circuit is the same for all."""

    async def call() -> None:
        async with api.parts.database.service() as connection:
            await rate_limits.ensure_limits(connection, RateLimits("openai", None, None))
            for seconds, outcome in ((0.1, "ok"), (0.2, "ok"), (0.9, "server_error")):
                await service_calls.record(
                    connection,
                    ServiceCall("openai", "embed", outcome, seconds, tokens=10,
                                cost_usd=Decimal("0.25"), user_id=user_id("quinn")),
                )  # fmt: skip

    api.run(call())
    with api.client("quinn") as quinn, api.client("rita") as rita:
        [mine] = [each for each in of(quinn)["services"] if each["service"] == "openai"]
        [hers] = [each for each in of(rita)["services"] if each["service"] == "openai"]
        spend, others = of(quinn)["spend"], of(rita)["spend"]
    assert (mine["calls"], mine["succeeded"]) == (3, 2)
    assert mine["p50"] == pytest.approx(0.2)
    assert mine["p95"] == pytest.approx(0.83)
    assert mine["circuit"] == hers["circuit"] == "closed"
    assert hers["calls"] == 0
    assert Decimal(spend["today"]) == Decimal(spend["month"]) == Decimal("0.75")
    assert Decimal(spend["ever"]) == Decimal("0.75"), "calls of no run are on no document's bill"
    assert Decimal(others["month"]) == 0


def test_spend_is_this_months_only(api: RunningApi) -> None:
    """What was spent two months ago is in neither today's nor this month's sum."""
    insert = sa.text(
        f"""
        INSERT INTO {SCHEMA}.service_calls (at, user_id, service, operation, outcome, seconds,
                                            cost_usd)
        VALUES (now() - interval '62 days', :user, 'openai', 'embed', 'ok', 1, 9)
        """
    )

    async def call() -> None:
        async with api.parts.database.service() as connection:
            await connection.execute(insert, {"user": user_id("sven")})

    api.run(call())
    with api.client("sven") as sven:
        spend = of(sven)["spend"]
    assert Decimal(spend["today"]) == Decimal(spend["month"]) == 0
