"""Reviews over a real socket: who sees what waits, what a decision does, and what stays of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from pipeline.identity import user_id
from pipeline.settings import Settings
from tests.app.api.calling import accepted, is_problem, text
from tests.app.api.database import rows_of
from tests.app.api.serving import RunningApi, serving
from tests.app.api.tab import Page, browser, page
from tests.booklets import booklet

__all__ = ["browser", "page"]

WHY = {"reason": "Compared with the paper."}


@pytest.fixture(scope="module")
def api(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """An API whose gate refuses what was not read whole."""
    settings = Settings(
        home=tmp_path_factory.mktemp("home"), database_url=SecretStr(module_database_url),
        requests_per_minute=0, uploads_per_minute=0, gaps="refuse",
    )  # fmt: skip
    with serving(settings) as running:
        yield running


def quarantined(api: RunningApi, anna: httpx.Client, folder: Path, name: str) -> dict[str, Any]:
    """A booklet of which a page is a picture."""
    booklet(folder / name, typed=(f"first page of {name}", "", "last"))
    job = accepted(anna, (folder / name).read_bytes(), name=name, source=name)
    api.work_off(job["id"])
    return job


def waiting(client: httpx.Client, **query: str) -> list[str]:
    """The names of what waits for a review."""
    return [each["name"] for each in client.get("/review", params=query).json()["items"]]


def test_what_is_quarantined_is_worked_off_by_its_user(
    api: RunningApi, anna: httpx.Client, ben: httpx.Client, tmp_path: Path
) -> None:
    """Listed for its user and operators; accepted with a reason; published and told everywhere."""
    job = quarantined(api, anna, tmp_path, "gap.pdf")
    path = f"/review/{job['document_id']}"
    assert waiting(anna) == ["gap.pdf"]
    assert waiting(ben) == []
    for answer in (ben.get(path), ben.post(f"{path}/accept", json=WHY),
                   ben.post(f"{path}/reject", json=WHY)):  # fmt: skip
        is_problem(answer, 404)
    is_problem(anna.post(f"{path}/accept", json={"reason": " "}), 422)
    with api.client("olga", service=True) as olga:
        assert waiting(olga) == waiting(olga, user="anna") == ["gap.pdf"]
        assert waiting(olga, user="ben") == []
    [finding] = anna.get(path).json()["item"]["findings"]
    assert (finding["rule"], finding["severity"]) == ("gaps", "critical")
    done = anna.post(f"{path}/accept", json=WHY).json()
    assert (done["decision"], done["who"], done["reason"]) == ("accept", "anna", WHY["reason"])
    is_problem(anna.post(f"{path}/reject", json=WHY), 404 if waiting(anna) == [] else 422)
    api.work_off(job["id"])
    assert anna.get(f"/jobs/{job['id']}").json()["state"] == "complete_with_gaps"
    assert waiting(anna) == []
    told = anna.get(path).json()
    assert told["item"] is None
    assert [each["id"] for each in told["decisions"]] == [done["id"]]
    events = [each["event"] for each in anna.get(f"/jobs/{job['id']}").json()["history"]]
    assert "accepted" in events
    back = {"decision": done["id"], "reason": "It was another paper."}
    is_problem(ben.post(f"{path}/undo", json=back), 404)
    is_problem(anna.post(f"{path}/undo", json=back | {"decision": job["id"]}), 404)
    undone = anna.post(f"{path}/undo", json=back).json()
    assert (undone["decision"], undone["undoes"]) == ("undo", done["id"])
    api.work_off(job["id"])
    assert anna.get(f"/jobs/{job['id']}").json()["state"] == "quarantined"
    assert waiting(anna) == ["gap.pdf"]
    told = anna.get(path).json()["decisions"]
    assert [(each["decision"], each["undone"]) for each in told] == [
        ("undo", False), ("accept", True),
    ]  # fmt: skip
    assert rows_of(api, "document_chunks", user_id("anna")) == []
    for given in (done["id"], undone["id"]):
        is_problem(anna.post(f"{path}/undo", json=back | {"decision": given}), 422)
    anna.post(f"{path}/reject", json=WHY).raise_for_status()


def test_what_is_rejected_is_not_brought_up(
    api: RunningApi, anna: httpx.Client, tmp_path: Path
) -> None:
    """It stays unpublished, and the overview names it no more."""
    job = quarantined(api, anna, tmp_path, "bad.pdf")
    path = f"/review/{job['document_id']}"
    assert anna.post(f"{path}/reject", json=WHY).status_code == 200
    assert waiting(anna) == []
    assert anna.get(f"/jobs/{job['id']}").json()["state"] == "quarantined"
    troubles = anna.get("/overview").json()["troubles"]
    assert "bad.pdf" not in json.dumps(troubles)
    [made] = anna.get(path).json()["decisions"]
    back = {"decision": made["id"], "reason": "It is looked at again."}
    assert anna.post(f"{path}/undo", json=back).status_code == 200
    assert waiting(anna) == ["bad.pdf"]
    assert "bad.pdf" in json.dumps(anna.get("/overview").json()["troubles"])
    assert anna.post(f"{path}/reject", json=WHY).status_code == 200


def test_a_text_is_corrected(api: RunningApi, anna: httpx.Client, ben: httpx.Client) -> None:
    """A published document says what the page says; nobody else can, and nothing is guessed."""
    job = accepted(anna, text("otters"), name="otters.md", source="otters")
    api.work_off(job["id"])
    path = f"/review/{job['document_id']}/correct"
    body = WHY | {"page": 1, "before": "covers otters and nothing", "after": "covers seals and no",
                  "occurrence": 2}  # fmt: skip
    is_problem(ben.post(path, json=body), 404)
    is_problem(anna.post(path, json=body | {"before": "covers cats"}), 422)
    is_problem(anna.post(path, json=body | {"occurrence": 99}), 422)
    done = anna.post(path, json=body).json()
    assert done["correction"] == {key: body[key] for key in body if key != "reason"} | {
        "cell": None
    }
    is_problem(anna.post(path, json=body), 422)  # it is being worked on
    api.work_off(job["id"])
    page = anna.get(f"/documents/{job['document_id']}/pages/1").json()
    assert page["text"].count("covers seals and no else") == 1
    assert "A person corrected what was read." in str(page["notes"])
    [passage] = anna.post("/search", json={"question": "seals", "limit": 1}).json()["passages"]
    assert "seals" in passage["text"]


def test_decisions_go_with_their_user(api: RunningApi, tmp_path: Path) -> None:
    """They are exported, and erased."""
    with api.client("cleo") as cleo:
        job = quarantined(api, cleo, tmp_path, "cleo.pdf")
        assert cleo.post(f"/review/{job['document_id']}/reject", json=WHY).status_code == 200
        lines = [json.loads(line) for line in cleo.get("/users/me/export").text.splitlines()]
        [told] = [each for each in lines if each["kind"] == "review_decision"]
        assert WHY["reason"] in str(told)
        cleo.delete("/users/me", params={"confirm": "erase"}).raise_for_status()
    assert rows_of(api, "review_decisions", user_id("cleo")) == []


def test_a_person_works_it_off_in_the_dashboard(
    page: Page, api: RunningApi, tmp_path: Path
) -> None:
    """The list, the page beside its picture, a correction of a paragraph, and an acceptance."""
    with api.client("dora") as dora:
        kept = quarantined(api, dora, tmp_path, "dora.pdf")
        fine = accepted(dora, text("otters"), name="otters.md")
    api.work_off(fine["id"], user="dora")
    page.open("dora", view="quality")
    page.until_told("#review", "dora.pdf")
    assert "Not everything was read" in page.text("#review")
    page.click("#review a.page-link")
    page.until_told("#page-text", "first page of dora.pdf")
    page.click("#page-correct")
    page.browser.find_element(By.CSS_SELECTOR, "#page-text [data-from]").send_keys(Keys.ENTER)
    page.until_told("#correct-before", "first page of dora.pdf")
    box = page.browser.find_element(By.ID, "correct-after")
    assert str(box.get_property("value")) in page.text("#page-text")
    box.clear()
    box.send_keys("The very first page, as it was put right by hand.")
    page.browser.find_element(By.ID, "correct-reason").send_keys("A blurred scan.\n")
    page.until_told("#page-notes", "The correction is kept.")
    api.work_off(kept["id"], user="dora")
    page.click("#page-close")
    page.until_told("#review", "dora.pdf")
    page.until(lambda: page.browser.find_elements(By.CSS_SELECTOR, "#review [data-accept]"))
    page.click(f"[data-accept='{kept['document_id']}']")  # without a reason: nothing is sent
    reason = page.browser.find_element(By.CSS_SELECTOR, "#review [name=reason]")
    reason.send_keys("The picture shows a logo.\n")
    page.until_told("#review", "Nothing waits for a review")
    api.work_off(kept["id"], user="dora")
    with api.client("dora") as dora:
        assert dora.get(f"/jobs/{kept['id']}").json()["state"] == "complete_with_gaps"
        shown = dora.get(f"/documents/{kept['document_id']}/pages/1").json()["text"]
        decided = dora.get(f"/review/{kept['document_id']}").json()["decisions"]
    assert "put right by hand" in shown
    assert [each["decision"] for each in decided] == ["accept", "correct"]
    page.go("overview")
    page.until_told("#recent", "dora.pdf")
    page.browser.find_element(By.XPATH, "//*[@id='recent']//button[.='dora.pdf']").click()
    page.until_told("#story", "What persons decided")
    page.click("#story .decisions summary")
    page.browser.find_element(By.CSS_SELECTOR, "#story [name=reason]").send_keys("It is no logo.\n")
    page.until_told("#story", "It was taken back, and holds no longer.")
    assert page.browser.get_log("browser") == []
