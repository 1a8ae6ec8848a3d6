"""Quality reports over the API: a user's own, an operator's over all, links without a token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from pipeline.identity import user_id
from stages.report_keys import report_keys
from stages.report_links import API_ADDRESS, PATH, link_query, report_link
from stages.report_verifying import verify_chain, verify_file
from tests.app.api.calling import accepted, is_problem, text
from tests.app.api.serving import RunningApi


@pytest.fixture
def operator(api: RunningApi) -> Iterator[httpx.Client]:
    """An operator's client."""
    with api.client("operator", service=True) as client:
        yield client


@pytest.fixture(scope="module", autouse=True)
def two_documents(api: RunningApi) -> None:
    """One of anna's and one of ben's, published."""
    for user in ("anna", "ben"):
        with api.client(user) as client:
            job = accepted(client, text(f"secret of {user}"), name=f"{user}-policy.md")["id"]
        api.work_off(job, user=user)


def test_nothing_was_reported_yet(anna: httpx.Client) -> None:
    """And the answer says how to change that."""
    assert "POST" in is_problem(anna.get("/reports/latest"), 404)["remedy"]
    assert anna.get("/reports").json() == {"items": []}


def test_a_user_sees_what_is_theirs(
    anna: httpx.Client, ben: httpx.Client, operator: httpx.Client
) -> None:
    """Their own documents by name, in their own reports; an operator sees everybody's."""
    own = anna.post("/reports")
    assert own.status_code == 201
    everybody = operator.post("/reports").json()
    assert (own.json()["everybody"], everybody["everybody"]) == (False, True)
    page = anna.get("/reports/latest")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "anna-policy.md" in page.text
    assert "ben-policy.md" not in page.text
    told = operator.get("/reports/latest", params={"format": "json"}).json()
    assert {each["name"] for each in told["report"]["versions"]} == {
        "anna-policy.md", "ben-policy.md"
    }  # fmt: skip
    assert told["seal"]["statement"]["number"] == everybody["number"]
    assert [each["id"] for each in anna.get("/reports").json()["items"]] == [own.json()["id"]]
    for of_another in (own.json()["id"], everybody["id"]):
        is_problem(ben.get(f"/reports/{of_another}"), 404)
    is_problem(anna.get(f"/reports/{everybody['id']}"), 404)
    assert operator.get(f"/reports/{own.json()['id']}").status_code == 200
    assert operator.get("/reports", params={"user": "anna"}).json() == anna.get("/reports").json()


def test_what_is_served_is_what_was_signed(api: RunningApi, anna: httpx.Client) -> None:
    """To the byte: a file that was saved from the API can be verified."""
    report = anna.post("/reports").json()["id"]
    keys = report_keys(api.settings)
    for kind in ("html", "json"):
        saved = anna.get(f"/reports/{report}", params={"format": kind}).content
        found = api.run(verify_file(api.parts.database, keys, saved))
        assert found.holds, found
    assert api.run(verify_chain(api.parts.database, keys)).findings == ()


def test_a_link_opens_one_report_for_a_while(api: RunningApi, anna: httpx.Client) -> None:
    """Without a token; another report's, an old one's and a forged one's do not."""
    report, other = (anna.post("/reports").json()["id"] for _ in range(2))
    keys = report_keys(api.settings)
    good = link_query(keys, report, int(time.time()) + 60)
    old = link_query(keys, report, int(time.time()) - 60)
    with httpx.Client(base_url=api.url) as stranger:
        assert "anna-policy.md" in stranger.get(f"{PATH.format(report)}?{good}").text
        is_problem(stranger.get(f"{PATH.format(other)}?{good}"), 403, "wrong_signature")
        is_problem(stranger.get(f"{PATH.format(report)}?{old}"), 403, "link_expired")
        forged = good.replace("expires=1", "expires=2")
        is_problem(stranger.get(f"{PATH.format(report)}?{forged}"), 403, "wrong_signature")
        is_problem(stranger.get(PATH.format(report)), 422)
        is_problem(stranger.get(PATH.format(report).removesuffix("/signed")), 401)


def test_a_run_links_to_the_api(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the API is known; the link is one that the API takes."""
    assert report_link(api.settings, uuid4()) is None
    monkeypatch.setenv(API_ADDRESS, api.url)
    with api.client("anna") as anna:
        report = anna.post("/reports").json()["id"]
    link = report_link(api.settings, report)
    assert link is not None
    assert urlsplit(link).netloc == urlsplit(api.url).netloc
    assert "anna-policy.md" in httpx.get(link).text


def test_erasing_a_user_takes_reports_over_them(api: RunningApi, operator: httpx.Client) -> None:
    """Also those over everybody; the chain still holds, and says that they were removed."""
    with api.client("zoe") as zoe:
        accepted(zoe, text("zoe"), name="zoe-policy.md")
        own, over_all = zoe.post("/reports").json()["id"], operator.post("/reports").json()["id"]
        done = zoe.delete("/users/me", params={"confirm": "erase"}).json()
    assert done["reports"] == 2
    is_problem(operator.get(f"/reports/{over_all}"), 404)
    is_problem(operator.get(f"/reports/{own}"), 404)
    verdict = api.run(verify_chain(api.parts.database, report_keys(api.settings)))
    assert (verdict.findings, verdict.removed) == ((), 2)
    left = operator.get("/reports", params={"user": str(user_id("zoe"))}).json()
    assert left == {"items": []}
