"""The dashboard in a real browser: what a person sees, and what nobody may see."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from pipeline.identity import user_id
from pipeline.store.schema import SCHEMA
from tests.app.api.calling import ENCRYPTED, SAMPLES, accepted, text
from tests.app.api.database import lose_original, stopped
from tests.app.api.serving import RunningApi
from tests.app.api.tab import Page, browser, page

__all__ = ["browser", "page"]

HOSTILE = "<img src=x onerror=alert(1)>\u202efdp.exe"
SHOWN = "<img src=x onerror=alert(1)>⟨U+202E⟩fdp.exe"


@pytest.fixture(scope="module", autouse=True)
def corpus(api: RunningApi) -> None:
    """Anna has a published document and one that failed; Ben has one of his own."""
    with api.client("anna") as anna, api.client("ben") as ben:
        policy = accepted(anna, (SAMPLES / "renters-policy.md").read_bytes(), name="renters.md")
        locked = accepted(anna, ENCRYPTED.read_bytes(), name="locked.pdf")
        his = accepted(ben, text("ben's barracuda"), name="barracuda.md")
    api.work_off(policy["id"], locked["id"])
    api.work_off(his["id"], user="ben")


def rename(api: RunningApi, job: str, name: str) -> None:
    """Call a job's document so, past everything that cleans names."""
    update = sa.text(
        f"UPDATE {SCHEMA}.documents SET name = :name WHERE id = "
        f"(SELECT document_id FROM {SCHEMA}.upload_jobs WHERE id = :job)"
    )

    async def write() -> None:
        async with api.parts.database.service() as connection:
            await connection.execute(update, {"name": name, "job": job})

    api.run(write())


def test_files_are_served_with_a_strict_policy(api: RunningApi) -> None:
    """No inline script or style, nothing from elsewhere, no string made HTML; no other file."""
    page = httpx.get(api.url)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "style=" not in page.text
    assert (
        httpx.get(f"{api.url}/dashboard/dashboard.js")
        .headers["Content-Type"]
        .startswith("text/javascript")
    )
    for name in ("__init__.py", "..%2Fsecrets.py", "nothing.js"):
        assert httpx.get(f"{api.url}/dashboard/{name}").status_code == 404


def test_every_file_of_the_page_is_installed_with_it() -> None:
    """The package takes along every kind of file that the page is made of."""
    folder = Path(__file__).parents[3]
    kinds = {each.suffix for each in (folder / "app/api/dashboard").iterdir()}
    declared = (folder / "pyproject.toml").read_text()
    assert {".html", ".css", ".js", ".svg"} == kinds
    assert all(f'"*{kind}"' in declared for kind in kinds)


def test_signed_out_shows_nothing(page: Page) -> None:
    """Who has no token sees how to sign in; the API is not asked, and no figure stands there."""
    page.browser.get(page.api.url)
    page.until(lambda: "Paste a token" in page.text())
    assert "Documents" not in page.text()
    for place in ("documents", "errors", "recent", "services", "health", "spend", "name"):
        assert page.browser.find_element(By.ID, place).get_property("textContent") == ""
    assert not [url for url in page.requested() if "/api/" in url]


@pytest.mark.parametrize("width", [1200, 390])
def test_a_user_sees_the_work(page: Page, width: int) -> None:
    """Figures at both widths: no console error, no outside request, nothing cut off."""
    page.resize(width)
    page.open("anna")
    page.until(lambda: "renters.md" in page.text("#recent"))
    page.until(lambda: "live" in page.text("#status").lower())
    assert "published" in page.text("#documents")
    assert "locked.pdf" in page.text("#errors")
    assert "tokens" in page.text("#throughput")
    assert "barracuda" not in page.text()
    inner, scroll = page.browser.execute_script(
        "return [innerWidth, document.documentElement.scrollWidth]"
    )
    assert scroll <= inner
    assert page.browser.get_log("browser") == []
    assert {url for url in page.requested() if not url.startswith((page.api.url, "data:"))} <= {
        "about:blank"
    }


def test_the_token_leaves_the_address_and_outlives_a_reload_only(page: Page) -> None:
    """It is taken from the fragment, kept for this tab, and forgotten by signing out."""
    page.open("anna")
    page.until(lambda: "renters.md" in page.text("#recent"))
    assert "token" not in page.browser.current_url
    page.browser.refresh()
    page.until(lambda: "renters.md" in page.text("#recent"))
    page.click("#leave")
    page.until(lambda: "Paste a token" in page.text())
    stored = "return [sessionStorage.length, localStorage.length, document.cookie]"
    assert page.browser.execute_script(stored) == [0, 0, ""]
    assert "#" not in page.browser.current_url
    assert "renters.md" not in page.browser.page_source


def test_news_arrives_by_itself(page: Page) -> None:
    """A document that is uploaded and worked off elsewhere appears, published, without a reload."""
    page.open("cleo")
    page.until(lambda: "no documents yet" in page.text("#documents"))
    page.until(lambda: "live" in page.text("#status").lower())
    page.browser.execute_script("window.same = true")
    with page.api.client("cleo") as cleo:
        job = accepted(cleo, text("camels"), name="camels.md")
    page.until(lambda: "waiting (uploaded)" in page.text("#recent"))
    page.api.work_off(job["id"], user="cleo")
    page.until(lambda: "1 of 1 document published" in page.text("#documents"))
    page.until(lambda: "camels.md: published" in page.text("#status"))
    assert page.browser.execute_script("return window.same")


def test_upload_then_search(page: Page, tmp_path: Path) -> None:
    """Files go up with an end in words each; a search shows passages with their heading."""
    page.open("dora")
    good, bad = tmp_path / "dragons.md", tmp_path / "empty.pdf"
    good.write_text(text("dragons"))
    bad.write_bytes(b"")
    page.until(lambda: "no documents yet" in page.text("#documents"))
    page.browser.find_element(By.ID, "files").send_keys(f"{good}\n{bad}")
    page.until(lambda: "Accepted." in page.text("#uploads") and "empty" in page.text("#uploads"))
    page.until(lambda: "dragons.md" in page.text("#recent"))
    with page.api.client("dora") as dora:
        [job] = dora.get("/jobs").json()["items"]
    page.api.work_off(job["id"], user="dora")
    page.go("search")
    page.browser.find_element(By.ID, "question").send_keys("what is covered for dragons?\n")
    page.until(lambda: "covers dragons" in page.text("#found"))
    assert "dragons" in page.text("#found h3")
    assert "[object" not in page.text("#found")
    page.click("#limits summary")
    role = Select(page.browser.find_element(By.ID, "role"))
    role.select_by_visible_text("exclusion")
    page.browser.find_element(By.ID, "question").send_keys("\n")
    page.until(lambda: "Nothing in your documents fits" in page.text("#found"))
    role.select_by_visible_text("coverage")
    page.browser.find_element(By.ID, "question").send_keys("\n")
    page.until(lambda: "› coverage ›" in page.text("#found"))


def test_retry_is_offered_where_it_can_help(page: Page) -> None:
    """What the storage lost waits again by a button; what is encrypted is acknowledged and gone."""
    with page.api.client("emil") as emil:
        locked = accepted(emil, ENCRYPTED.read_bytes(), name="emil.pdf")
        lost = accepted(emil, text("lost"), name="lost.md")
    lose_original(page.api, lost["id"])
    page.api.work_off(locked["id"], lost["id"], user="emil")
    page.open("emil")
    page.until(lambda: "File is encrypted" in page.text("#errors"))
    for each in page.browser.find_elements(By.CSS_SELECTOR, "#errors summary"):
        each.click()
    assert "password" in page.text("#errors").lower()
    assert not page.browser.find_elements(By.CSS_SELECTOR, f"[data-retry='{locked['id']}']")
    page.click(f"[data-retry='{lost['id']}']")
    page.until(lambda: "lost.md" not in page.text("#errors"))
    page.until(lambda: "waiting (uploaded)" in page.text("#recent"))
    page.click("[data-key='acknowledge-file_is_encrypted']")
    page.until(lambda: "No document is in trouble" in page.text("#errors"))


def test_what_a_cap_stopped_goes_on_by_a_button(page: Page) -> None:
    """The document says that the cap stopped it, and the button of its run makes it wait again."""
    with page.api.client("gerd") as gerd:
        job = accepted(gerd, text("capped"), name="capped.md")["id"]
        run = stopped(page.api, gerd, job)
    page.open("gerd")
    page.until(lambda: "capped.md" in page.text("#errors"))
    assert "The cost cap is reached." in page.text("#errors")
    assert f"Go on with everything that was stopped in the run {run[:8]}" in page.text("#errors")
    page.click(f"[data-resume='{run}']")
    page.until(lambda: "No document is in trouble" in page.text("#errors"))
    page.until(lambda: "waiting (uploaded)" in page.text("#recent"))


def test_a_name_opens_its_history(page: Page) -> None:
    """The dialog tells what happened, in order, and closes with Escape."""
    page.open("anna")
    # What comes late moves what is below it away from under a click.
    page.until(lambda: "renters.md" in page.text("#recent") and "used" in page.text("#storage"))
    page.click("#recent tr:last-child button")
    page.until(lambda: "What happened" in page.text("#story"))
    assert "published" in page.text("#story")
    page.browser.find_element(By.ID, "story").send_keys("\ue00c")
    page.until(lambda: not page.browser.find_element(By.ID, "story").is_displayed())


def test_hostile_names_and_errors_are_text(page: Page) -> None:
    """A tag in a name makes no element, and what turns text around is shown as its code."""
    with page.api.client("fred") as fred:
        job = accepted(fred, ENCRYPTED.read_bytes(), name="fred.pdf")
    page.api.work_off(job["id"], user="fred")
    rename(page.api, job["id"], HOSTILE)
    page.open("fred")
    page.until(lambda: SHOWN in page.text("#recent"))
    assert SHOWN in page.text("#errors")
    page.click("#recent button")
    page.until(lambda: SHOWN in page.text("#story"))
    assert not page.browser.find_elements(By.TAG_NAME, "img")
    assert page.browser.get_log("browser") == []


def test_an_operator_sees_everybody_or_one_user(page: Page) -> None:
    """Everybody's figures first; naming a user shows that user's only, also after a reload."""
    page.open("operator", service=True)
    page.until(lambda: "barracuda.md" in page.text("#recent"))
    assert "renters.md" in page.text("#recent")
    page.browser.find_element(By.ID, "user").send_keys("ben\n")
    for _ in range(2):
        page.until(lambda: "renters.md" not in page.text("#recent"))
        page.until(lambda: "barracuda.md" in page.text("#recent"))
        page.browser.refresh()
    assert user_id("ben") != user_id("anna")


def test_an_expired_or_wrong_token_is_said(page: Page) -> None:
    """The page says why, shows nothing, and asks for another."""
    for hours, token in ((-1, None), (1, "nonsense")):
        if token is None:
            page.open("anna", hours=hours)
            expected = "token has expired."
        else:
            page.browser.get("about:blank")
            page.browser.get(f"{page.api.url}/#token={token}")
            expected = "The token is not valid here."
        page.until_told("#notice", expected)
        assert "renters.md" not in page.text()
        assert "Paste a token" in page.text()


def test_a_browser_whose_clock_is_wrong_shows_the_figures(page: Page) -> None:
    """A token is as good as the API says, also where it is tomorrow already."""
    tomorrow = "{ const now = Date.now.bind(Date); Date.now = () => now() + 864e5; }"
    command = "Page.addScriptToEvaluateOnNewDocument"
    added = page.browser.execute_cdp_cmd(command, {"source": tomorrow})
    try:
        page.open("anna")
        page.until(lambda: "renters.md" in page.text("#recent"))
        assert page.text("#notice") == ""
    finally:
        page.browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_an_api_that_is_away_is_said(page: Page) -> None:
    """The figures stay with their time, the page says that nobody answers, and recovers."""
    page.open("anna")
    page.until(lambda: "renters.md" in page.text("#recent"))
    away = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.browser.execute_cdp_cmd("Network.enable", {})
    page.browser.execute_cdp_cmd("Network.emulateNetworkConditions", away)
    try:
        page.until(lambda: "The API does not answer." in page.text("#notice"))
        assert "What you see is of" in page.text("#notice")
        assert "renters.md" in page.text("#recent")
    finally:
        back = away | {"offline": False}
        page.browser.execute_cdp_cmd("Network.emulateNetworkConditions", back)
    page.until(lambda: not page.browser.find_element(By.ID, "notice").is_displayed())
