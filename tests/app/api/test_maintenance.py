"""What maintenance found, for operators: by the API, in the metrics, on the dashboard."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from app.api.secrets import alert_key
from deployments.alert_webhook import HEADER
from pipeline.alerts import Alert, Severity
from pipeline.finding_kinds import FACTS, Kind
from pipeline.store.schema import SCHEMA
from stages.alerts.raising import close_alert, raise_alert
from stages.reconciling.checks import CHECKS
from stages.reconciling.inspection import Inspection
from stages.reconciling.maintenance_run import run_maintenance
from tests.app.api.calling import accepted, is_problem, text
from tests.app.api.serving import RunningApi
from tests.app.api.tab import Page, browser, page

__all__ = ["browser", "page"]


def change(api: RunningApi, statement: str) -> None:
    """Change the API's database."""

    async def write() -> None:
        async with api.parts.database.service() as connection:
            await connection.execute(sa.text(statement))

    api.run(write())


def look(api: RunningApi, *, fix: bool) -> None:
    """Look at everything, as the flow does."""
    api.run(run_maintenance(Inspection(api.parts.services, fix), CHECKS))


@pytest.fixture(scope="module", autouse=True)
def found(api: RunningApi) -> None:
    """One document waits unattended, and one run that nobody ended was closed."""
    with api.client("operator", service=True) as operator:
        assert operator.get("/maintenance").json()["run_id"] is None
    with api.client("anna") as anna:
        accepted(anna, text("anna's annex"))
    change(api, f"UPDATE {SCHEMA}.upload_jobs SET updated_at = now() - interval '20 minutes'")
    change(
        api,
        f"INSERT INTO {SCHEMA}.ingest_runs (id, user_id, kind, started_at) VALUES "
        "(gen_random_uuid(), gen_random_uuid(), 'ingest', now() - interval '2 days')",
    )
    look(api, fix=True)


def test_operators_read_what_was_found(api: RunningApi) -> None:
    """Each kind with why it matters, what was mended, and what a person must decide."""
    with api.client("operator", service=True) as operator:
        told = operator.get("/maintenance").json()
    assert told["summary"] == "2 findings, 1 mended, 1 needs a person."
    assert told["fix"] is True
    kinds = {each["kind"]: each for each in told["kinds"]}
    assert set(kinds) == {"job_unattended", "run_never_finished"}
    waiting, closed = kinds["job_unattended"], kinds["run_never_finished"]
    assert (waiting["mended"], waiting["person"], closed["mended"]) == (0, 1, 1)
    assert waiting["decision"] == FACTS[Kind.JOB_UNATTENDED].remedy
    assert closed["what_was_mended"] == "It was closed."
    assert waiting["why"] == "They are not published, though nothing stops them."
    assert waiting["findings"][0]["subject"].startswith("user ")
    assert "annex" not in str(told)


def test_nobody_else_reads_it(api: RunningApi) -> None:
    """It is about everybody's data: a user gets 403, who has no token 401."""
    with api.client("anna") as anna:
        is_problem(anna.get("/maintenance"), 403)
    is_problem(httpx.get(f"{api.url}/api/v1/maintenance"), 401)


def test_metrics_count_findings_by_kind_and_outcome(api: RunningApi) -> None:
    """Every kind is there, also those of which nothing was found; the time of the look too."""
    figures = httpx.get(f"{api.url}/metrics").text.splitlines()
    name = "navigator_maintenance_findings"
    assert f'{name}{{kind="job_unattended",outcome="person"}} 1.0' in figures
    assert f'{name}{{kind="run_never_finished",outcome="mended"}} 1.0' in figures
    assert f'{name}{{kind="object_unknown",outcome="left"}} 0.0' in figures
    [last] = [line for line in figures if line.startswith("navigator_maintenance_last_run_time")]
    assert float(last.split()[1]) > 1.7e9


@pytest.mark.parametrize("width", [1200, 390])
def test_the_dashboard_shows_it_to_operators_only(page: Page, width: int) -> None:
    """The table and, opened, what a person must decide; nothing of it for a user."""
    page.resize(width)
    page.open("operator", service=True)
    page.until(lambda: "1 needs a person" in page.text("#maintenance"))
    assert "Documents wait, and no sweep takes them up" in page.text("#maintenance")
    page.click("#maintenance summary")
    page.until(lambda: "A person must decide: See that a worker runs" in page.text("#maintenance"))
    inner, scroll = page.browser.execute_script(
        "return [innerWidth, document.documentElement.scrollWidth]"
    )
    assert scroll <= inner
    assert "[object" not in page.text()
    assert page.browser.get_log("browser") == []
    page.open("anna")
    page.until(lambda: "waiting (uploaded)" in page.text("#recent"))
    assert "Maintenance" not in page.text()
    assert page.browser.get_log("browser") == []


def raised(api: RunningApi, kind: str, key: str, severity: Severity) -> str:
    """Raise an alert; its id."""
    title = f"{key} needs somebody."
    made = Alert(kind, key, severity, title, {"waiting": 3}, "It answers 503.")
    return str(api.run(raise_alert(api.parts.services, made)).id)


def test_operators_acknowledge_and_close_alerts(api: RunningApi) -> None:
    """The gravest first; what happened once is closed by acknowledging it, a condition is not."""
    failed = raised(api, "run-failed", "a-run", Severity.WARNING)
    away = raised(api, "circuit-open", "of-alerts", Severity.CRITICAL)
    with api.client("operator", service=True) as operator:
        assert [each["id"] for each in operator.get("/alerts").json()["items"]] == [away, failed]
        known = operator.post(f"/alerts/{away}/acknowledge", json={"why": "on it"}).json()
        assert (known["acknowledged_by"], known["acknowledged_why"]) == ("operator", "on it")
        assert known["closed_at"] is None
        assert operator.post(f"/alerts/{failed}/acknowledge", json={}).json()["closed_at"]
        assert operator.post(f"/alerts/{away}/close", json={}).json()["closed_why"]
        assert operator.get("/alerts").json()["items"] == []
        everything = operator.get("/alerts?closed=true").json()["items"]
        assert {each["id"] for each in everything} == {away, failed}
        is_problem(operator.post(f"/alerts/{UUID(int=7)}/acknowledge", json={}), 404)
    with api.client("anna") as anna:
        is_problem(anna.get("/alerts"), 403)
        is_problem(anna.post(f"/alerts/{away}/acknowledge", json={}), 403)
        is_problem(anna.post(f"/alerts/{away}/close", json={}), 403)


def test_automations_raise_and_close_by_their_own_key(api: RunningApi) -> None:
    """A token does not do, and the key opens nothing else."""
    key = {HEADER: alert_key(api.parts.settings)}
    url = f"{api.url}/api/v1/alerts/raised"
    body = {"kind": "no-worker", "key": "pool", "evidence": {"flow_run": "x"}}
    with api.client("operator", service=True) as operator:
        is_problem(operator.post("/alerts/raised", json=body), 403)
        is_problem(httpx.post(url, json=body, headers={HEADER: "wrong"}), 403)
        is_problem(httpx.post(url, json=body | {"kind": "nothing"}, headers=key), 404)
        is_problem(httpx.get(f"{api.url}/api/v1/alerts", headers=key), 401)
        assert httpx.post(url, json=body, headers=key).status_code == 204
        [alert] = operator.get("/alerts").json()["items"]
        assert (alert["kind"], alert["severity"], alert["title"]) == (
            "no-worker", "critical", "Nobody works"
        )  # fmt: skip
        assert httpx.post(url, json=body | {"passed": True}, headers=key).status_code == 204
        assert operator.get("/alerts").json()["items"] == []


def test_the_dashboard_shows_alerts_to_be_acknowledged(page: Page, api: RunningApi) -> None:
    """What is wrong, since when, why, and a button, by which it says who looks after it."""
    alert = raised(api, "circuit-open", "of-the-page", Severity.CRITICAL)
    page.resize(1200)
    page.open("operator", service=True)
    page.until(lambda: "A service does not answer" in page.text("#alerts"))
    assert "Likely cause: It answers 503." in page.text("#alerts")
    assert "docs/runbook.md#circuit-open" in page.text("#alerts")
    page.click(f"[data-acknowledge='{alert}']")
    page.until(lambda: "operator looks after it" in page.text("#alerts"))
    assert not any(each in page.text() for each in ("[object", "undefined", "null", "NaN"))
    assert page.browser.get_log("browser") == []
    api.run(close_alert(api.parts.services, "circuit-open", "of-the-page", "It answers again."))
    page.open("anna")
    page.until(lambda: "waiting (uploaded)" in page.text("#recent"))
    assert "Acknowledge" not in page.text()


def test_erasing_a_user_takes_what_was_found_of_them(api: RunningApi) -> None:
    """Findings name users by their id: it goes with them."""
    with api.client("anna") as anna:
        anna.delete("/users/me", params={"confirm": "erase"}).raise_for_status()
    with api.client("operator", service=True) as operator:
        kinds = {each["kind"]: each for each in operator.get("/maintenance").json()["kinds"]}
    assert kinds["job_unattended"]["found"] == 1
    assert kinds["job_unattended"]["findings"] == []
