"""The Prefect server that we start answers nobody but who has the home's password."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pipeline.secret_file import kept_secret
from tests.rooms import ROOT
from tests.security.own_prefect import FLOW, OwnPrefect, own_prefect

__all__ = ["own_prefect"]

pytestmark = pytest.mark.timeout(300)
NOBODY = 65534
METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


@pytest.fixture(scope="module")
def routes(own_prefect: OwnPrefect) -> list[tuple[str, str]]:
    """Method and path of everything that the API documents."""
    with own_prefect.owner() as client:
        paths = client.get("/openapi.json").json()["paths"]
    return [(method, f"/api{path}") for path, each in paths.items() for method in each]


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", str(uuid4()), path)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic bmF2aWdhdG9yOm5hdmlnYXRvcg=="},
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic \xff"},
    ],
    ids=["without", "wrong", "another-scheme", "no-text"],
)
def test_no_route_answers_without_the_password(
    own_prefect: OwnPrefect, routes: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    """Every route that the API has is a 401, but for the one that says that the process lives."""
    assert len(routes) > 150
    encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    with httpx.Client(base_url=own_prefect.address, headers=encoded) as stranger:
        answers = {
            (method, path): stranger.request(method, filled(path)).status_code
            for method, path in routes
        }
    opened = {route for route, status in answers.items() if status != httpx.codes.UNAUTHORIZED}
    assert opened == {("get", "/api/health")}


@pytest.mark.parametrize(
    "path",
    [
        "/docs", "/redoc", "/openapi.json", "/api", "/api/", "/api/docs", "/api/openapi.json",
        "/api/ready", "/api/metrics", "/api/static/x", "/api/health/", "/api/../api/version",
        "/api/health/../version", "/api/%68ealth/x", "/docs/oauth2-redirect", "/api//version",
    ],
)  # fmt: skip
def test_what_is_beside_the_routes_is_closed_too(own_prefect: OwnPrefect, path: str) -> None:
    """Documentation, descriptions and other spellings of a path are a 401 as well."""
    for method in METHODS:
        assert answer(own_prefect, path, method=method.upper())[0] == 401, method


def answer(
    server: OwnPrefect, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, with the path and the headers sent exactly as given."""
    where = urlsplit(server.address)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        found = connection.getresponse()
        return (
            found.status,
            {name.lower(): value for name, value in found.getheaders()},
            found.read(),
        )
    finally:
        connection.close()


def test_the_pages_and_the_probe_are_open(own_prefect: OwnPrefect) -> None:
    """The sign-in page, what it asks first, and the probe of whoever starts the server again."""
    assert httpx.get(f"{own_prefect.address}/", follow_redirects=True).status_code == 200
    assert httpx.get(f"{own_prefect.address}/ui-settings").json()["auth"] == "BASIC"
    assert httpx.get(f"{own_prefect.address}/api/health").json() is True


def websocket_paths() -> list[str]:
    """Of every websocket that Prefect's API has, nested routers included."""
    from prefect.server.api.server import API_ROUTERS
    from starlette.routing import WebSocketRoute

    found = [
        route.path
        for router in API_ROUTERS
        for route in router.routes
        if isinstance(route, WebSocketRoute)
    ]
    return [filled(f"/api{path}") for path in found]


async def first_words(url: str, *, token: str | None, prefect: bool = True) -> object:
    """What a websocket says to a first message with this token; how it refuses, as an exception."""
    async with connect(url, subprotocols=["prefect"] if prefect else None) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "auth", "token": token}))
        async with asyncio.timeout(20):
            return json.loads(await socket.recv())


@pytest.mark.parametrize("prefect", [True, False], ids=["prefect", "no-subprotocol"])
@pytest.mark.parametrize("token", [None, "", "navigator:navigator"])
async def test_no_websocket_without_the_password(
    own_prefect: OwnPrefect, token: str | None, prefect: bool
) -> None:
    """Events, logs, scheduled tasks and workers: each websocket closes on a wrong first message."""
    paths = websocket_paths()
    assert {"/api/events/in", "/api/events/out", "/api/logs/out"} < set(paths)
    for path in paths:
        url = own_prefect.address.replace("http", "ws") + path
        with pytest.raises((ConnectionClosed, InvalidStatus)):
            await first_words(url, token=token, prefect=prefect)


async def test_websockets_with_the_password(own_prefect: OwnPrefect) -> None:
    """The same ones let the owner in, so that the test above refuses for the right reason."""
    for path in websocket_paths():
        url = own_prefect.address.replace("http", "ws") + path
        said = await first_words(url, token=own_prefect.auth_string)
        assert said == {"type": "auth_success"}, path


async def test_a_silent_websocket_is_closed(
    own_prefect: OwnPrefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opens one and does not say who it is is disconnected, and holds nothing open."""
    url = own_prefect.address.replace("http", "ws") + "/api/events/out"
    async with connect(url, subprotocols=["prefect"]) as socket:  # type: ignore[list-item]
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(60):
                await socket.recv()


@pytest.mark.parametrize("path", ["/api/health", "/api/flows/filter", "/", "/ui-settings"])
@pytest.mark.parametrize("host", ["attacker.example", "attacker.example:4200", "", "[::1]"])
def test_another_name_is_refused(own_prefect: OwnPrefect, path: str, host: str) -> None:
    """Under a name that is not the server's, nothing is told, not even with the password."""
    right = httpx.BasicAuth(*own_prefect.auth)._auth_header
    status, _, body = answer(own_prefect, path, Host=host, Authorization=right)
    assert (status, b"name" in body) == (421, True)


async def test_another_name_is_refused_for_websockets(own_prefect: OwnPrefect) -> None:
    """A websocket under another name is not opened."""
    url = own_prefect.address.replace("http", "ws") + "/api/events/out"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url.replace("127.0.0.1", "attacker.example"), host="127.0.0.1"):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:9", "http://attacker.example", "null", "https://127.0.0.1"]
)
def test_a_page_from_elsewhere_is_refused(own_prefect: OwnPrefect, origin: str) -> None:
    """A request of another origin's page is refused with the password too, and may read nothing."""
    right = httpx.BasicAuth(*own_prefect.auth)._auth_header
    for method, path in (
        ("GET", "/api/version"),
        ("POST", "/api/flows/"),
        ("OPTIONS", "/api/flows/"),
    ):
        status, headers, _ = answer(
            own_prefect, path, method=method, Origin=origin, Authorization=right
        )
        assert status == 403, method
        assert "access-control-allow-origin" not in headers


async def test_a_page_from_elsewhere_opens_no_websocket(own_prefect: OwnPrefect) -> None:
    """Browsers let any page open a websocket to any address, so the server looks at the origin."""
    url = own_prefect.address.replace("http", "ws") + "/api/events/out"
    with pytest.raises(InvalidStatus):
        async with connect(url, origin="http://127.0.0.1:9"):  # type: ignore[arg-type]
            pass


def test_its_own_page_is_answered(own_prefect: OwnPrefect) -> None:
    """The UI's requests carry the server's own address as their origin, by either of its names."""
    right = httpx.BasicAuth(*own_prefect.auth)._auth_header
    port = urlsplit(own_prefect.address).port
    for name in ("127.0.0.1", "localhost"):
        status, *_ = answer(
            own_prefect, "/api/version", Host=f"{name}:{port}",
            Origin=f"http://{name}:{port}", Authorization=right,
        )  # fmt: skip
        assert status == 200, name


def test_a_change_needs_a_csrf_token(own_prefect: OwnPrefect) -> None:
    """With the password alone nothing can be changed; with a token of another client neither."""
    with httpx.Client(base_url=f"{own_prefect.address}/api", auth=own_prefect.auth) as client:
        assert client.post("/flows/", json=FLOW).status_code == 403
        token = client.get("/csrf-token", params={"client": "a"}).json()["token"]
        other = {"Prefect-Csrf-Client": "b", "Prefect-Csrf-Token": token}
        assert client.post("/flows/", json=FLOW, headers=other).status_code == 403
        own = {"Prefect-Csrf-Client": "a", "Prefect-Csrf-Token": token}
        assert client.post("/flows/filter", json={}, headers=own).status_code == 200
        renewed = client.get("/csrf-token", params={"client": "a"}).json()["token"]
        old = {"Prefect-Csrf-Client": "a", "Prefect-Csrf-Token": token}
        new = {"Prefect-Csrf-Client": "a", "Prefect-Csrf-Token": renewed}
        assert client.post("/flows/filter", json={}, headers=old).status_code == 403
        for _ in range(2):  # looked up, then remembered
            assert client.post("/flows/filter", json={}, headers=new).status_code == 200
        assert client.post("/flows/filter", json={}, headers=old).status_code == 403


def test_pages_may_not_be_framed_and_tell_nobody(own_prefect: OwnPrefect) -> None:
    """The UI's pages are shown in no other page and connect to their own server only."""
    headers = httpx.get(f"{own_prefect.address}/", follow_redirects=True).headers
    policy = dict(
        each.strip().split(" ", 1) for each in headers["content-security-policy"].split(";")
    )
    assert policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] == "'self'"
    assert "connect-src" not in policy
    assert headers["x-frame-options"] == "DENY"


AS_NOBODY = """
import encodings.idna, http.client, json, os, sys, urllib.parse
os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
method, where, body = sys.argv[1:]
if method == "READ":
    try:
        print(json.dumps(open(where).read()))
    except OSError as error:
        print(json.dumps(type(error).__name__))
else:
    url = urllib.parse.urlsplit(where)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.request(method, url.path, body, {{"Content-Type": "application/json"}})
    print(connection.getresponse().status)
"""


def as_nobody(method: str, where: str | Path, body: object = None) -> object:
    """What another OS user is told: a status, or for `READ` the file's text or its error's name.

    A process of its own that imports what it needs before it changes its user: Python itself may
    lie in a folder that is closed to others.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    script = AS_NOBODY.format(nobody=NOBODY)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, method, str(where), json.dumps(body)],
        capture_output=True, text=True, timeout=90, check=False, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: object = json.loads(done.stdout)
    return told


def test_another_user_of_the_machine_starts_nothing(own_prefect: OwnPrefect) -> None:
    """Another OS user reaches the port, and gets no password, no run, no flow and no reading."""
    url = f"{own_prefect.address}/api"
    assert as_nobody("GET", f"{url}/health") == 200
    assert as_nobody("POST", f"{url}/deployments/{uuid4()}/create_flow_run", {}) == 401
    assert as_nobody("POST", f"{url}/flows/", FLOW) == 401
    assert as_nobody("POST", f"{url}/flow_runs/filter", {}) == 401
    assert as_nobody("READ", own_prefect.folder / "auth-string") == "PermissionError"
    assert FLOW["name"] not in own_prefect.flows()


def test_the_password_is_shown_nowhere(own_prefect: OwnPrefect) -> None:
    """It stands in no command line, no environment at a start, no log and no other file."""
    _, password = own_prefect.auth
    assert len(password) >= 43
    process = psutil.Process(own_prefect.process.pid)
    assert password not in " ".join(process.cmdline())
    assert password not in Path(f"/proc/{process.pid}/environ").read_text("utf-8", "replace")
    home = own_prefect.folder.parent
    holders = [
        path.name
        for path in home.rglob("*")
        if path.is_file() and password.encode() in path.read_bytes()
    ]
    assert holders == ["auth-string"]


def test_a_secret_is_its_owners_from_its_first_moment(tmp_path: Path) -> None:
    """Whatever the umask: never is there a file of it that others may read."""
    seen: set[int] = set()
    before = os.umask(0)
    try:
        for number in range(20):
            for _ in watched(tmp_path / str(number), seen):
                kept_secret(tmp_path / str(number) / "auth-string")
    finally:
        os.umask(before)
    assert seen == {0o600}


def watched(folder: Path, seen: set[int]) -> Iterator[None]:
    """Note the modes of the folder's files while something happens in it, and afterwards."""
    opened = os.open

    def noting(path: str, flags: int, mode: int = 0o777, **others: int) -> int:
        file = opened(path, flags, mode, **others)
        if Path(path).parent == folder:
            seen.add(stat.S_IMODE(os.fstat(file).st_mode))
        return file

    os.open = noting  # type: ignore[assignment]
    try:
        yield
    finally:
        os.open = opened
    seen.update(stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir())


FIRST_START = """
import sys
from pathlib import Path
from pipeline.secret_file import kept_secret
print("ready", flush=True)
sys.stdin.readline()
print(kept_secret(Path(sys.argv[1]), "navigator:"))
"""


def test_two_first_starts_agree_on_one_secret(tmp_path: Path) -> None:
    """Both get the same secret, and no draft is left behind."""
    command = [sys.executable, "-c", FIRST_START, str(tmp_path / "auth-string")]
    children = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(4)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    found = {child.communicate(timeout=60)[0] for child in children}
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["auth-string"]
