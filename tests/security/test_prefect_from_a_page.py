"""A page that the operator opens in their browser reaches nothing of the Prefect server.

In a real browser, from another port of this machine and under a name that is made to lead here;
and the operator's own way in, by the UI's sign-in page.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests import chromium as browsers
from tests.security.own_prefect import OwnPrefect, own_prefect

__all__ = ["own_prefect"]

pytestmark = pytest.mark.timeout(300)
REBOUND = "rebound.example"
SECONDS = 60

ATTACK = """
const [api, done] = arguments;
const tried = async (what) => { try { return await what(); } catch (error) { return error.name; } };
const flow = JSON.stringify({name: "attacked"});
const socket = () => new Promise((resolve) => {
  const opened = new WebSocket(api.replace("http", "ws") + "/events/out", ["prefect"]);
  opened.onopen = () => resolve("open");
  opened.onclose = () => resolve("closed");
});
const status = async (path, options) => (await fetch(api + path, options)).status;
(async () => done({
  read: await tried(() => status("/version")),
  health: await tried(() => status("/health")),
  simple: await tried(() => status("/flows/", {method: "POST", body: flow})),
  json: await tried(() => status("/flows/", {method: "POST", body: flow,
    headers: {"Content-Type": "application/json", "Authorization": "Basic eDp5"}})),
  blind: await tried(async () => (await fetch(api + "/flows/",
    {method: "POST", body: flow, mode: "no-cors"})).type),
  socket: await socket(),
}))();
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a hostile page on another port of this machine."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<title>Free coffee</title><iframe id=frame></iframe>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser for which a foreign name leads to this machine, as after DNS rebinding."""
    before = browsers.FLAGS
    browsers.FLAGS = (*before, f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1")
    try:
        with browsers.headless(tmp_path_factory.mktemp("profile")) as opened:
            opened.set_script_timeout(SECONDS)
            yield opened
    finally:
        browsers.FLAGS = before


def test_a_page_on_another_port_reaches_nothing(
    own_prefect: OwnPrefect, elsewhere: str, chrome: Chrome
) -> None:
    """It reads no answer, makes no flow by any kind of request, and opens no websocket."""
    chrome.get(elsewhere)
    assert chrome.title == "Free coffee"
    found: dict[str, Any] = chrome.execute_async_script(ATTACK, f"{own_prefect.address}/api")
    assert found == {
        "read": "TypeError",
        "health": "TypeError",
        "simple": "TypeError",
        "json": "TypeError",
        "blind": "opaque",
        "socket": "closed",
    }
    assert "attacked" not in own_prefect.flows()


def test_a_page_under_another_name_reaches_nothing(own_prefect: OwnPrefect, chrome: Chrome) -> None:
    """When a foreign name is made to lead to the server, its pages and its API refuse the name."""
    port = urlsplit(own_prefect.address).port
    chrome.get(f"http://{REBOUND}:{port}/")
    assert "does not go by that name" in chrome.find_element(By.TAG_NAME, "body").text
    found: dict[str, Any] = chrome.execute_async_script(ATTACK, f"http://{REBOUND}:{port}/api")
    assert {found[name] for name in ("read", "health", "simple", "json")} == {421}
    assert found["socket"] == "closed"
    assert "attacked" not in own_prefect.flows()


def test_the_operator_signs_in(own_prefect: OwnPrefect, chrome: Chrome) -> None:
    """The whole text that the password's file holds opens the runs page, without an error on it."""
    _sign_in(chrome, own_prefect.address, own_prefect.auth_string)
    wait = WebDriverWait(chrome, SECONDS)
    wait.until(lambda page: "/login" not in page.current_url)
    chrome.get(f"{own_prefect.address}/v2/runs")
    wait.until(lambda page: "Runs" in page.find_element(By.TAG_NAME, "main").text)
    wait.until(
        lambda page: "Run a task or flow to get started" in _text(page) or "0 Flow" in _text(page)
    )
    assert "/login" not in chrome.current_url


def _text(page: Chrome) -> str:
    return page.find_element(By.TAG_NAME, "body").text


def _sign_in(chrome: Chrome, address: str, password: str) -> None:
    chrome.get(address)
    wait = WebDriverWait(chrome, SECONDS)
    wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, "input"))
    [field] = chrome.find_elements(By.CSS_SELECTOR, "input")
    field.send_keys(password)
    [button] = [each for each in chrome.find_elements(By.TAG_NAME, "button") if each.text]
    button.click()


def test_another_page_does_not_frame_it(
    own_prefect: OwnPrefect, elsewhere: str, chrome: Chrome
) -> None:
    """After the operator has signed in, a page from elsewhere cannot show the UI in a frame."""
    chrome.get(elsewhere)
    chrome.get_log("browser")
    chrome.execute_script(
        "document.getElementById('frame').src = arguments[0];", f"{own_prefect.address}/v2/runs"
    )

    def refused(page: Chrome) -> bool:
        return any("frame" in each["message"].lower() for each in page.get_log("browser"))

    WebDriverWait(chrome, SECONDS).until(refused)
