"""What is unusual and what is to be expected, by the API: for operators."""

from __future__ import annotations

from tests.app.api.calling import is_problem
from tests.app.api.serving import RunningApi


def test_operators_read_what_is_to_be_expected(api: RunningApi) -> None:
    """Figures, forecasts and what is too young to be judged; nothing is kept for it."""
    with api.client("operator", service=True) as operator:
        told = operator.get("/forecast").json()
    assert told["alerts"] == []
    assert told["month"] == {"spent_usd": 0.0, "by_its_end_usd": None, "budget_usd": None}
    assert "unit_cost all" in told["too_little_history"]
    assert {each["measure"] for each in told["figures"]} >= {"spent", "finished", "quarantined"}


def test_tenants_learn_nothing_of_it(api: RunningApi) -> None:
    """It tells of everybody's work."""
    with api.client("anna") as anna:
        is_problem(anna.get("/forecast"), 403, "forbidden")
