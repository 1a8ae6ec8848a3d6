"""Uploading over a real socket: what is taken, what is refused, and what is left behind."""

from __future__ import annotations

import os
import socket
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.streaming_intake import Description, Received, accept
from clients.storage.objects import raw_key
from pipeline.identity import sha256_hex, user_id
from tests.app.api.calling import ENCRYPTED, accepted, is_problem, text, upload
from tests.app.api.database import rows_of
from tests.app.api.serving import RunningApi, serving

FORM = {"Content-Type": "multipart/form-data; boundary=x"}
HOSTILE = [
    "../../../etc/passwd.md",
    "..\\..\\windows\\system.md",
    "%2e%2e%2f%2e%2e%2fescape.md",
    "nul\x00byte.md",
    "cr\rlf\n.md",
    "x" * 5000 + ".md",
    "\u202egnp.exe.md",
    "/absolute/path.md",
    "con.md",
    "\N{SNOWMAN}.md",
    "a;b=c\"d'.md",
]


def stored(api: RunningApi) -> set[str]:
    """Every file under the API's home, relative to it."""
    objects = api.settings.home / "objects"
    return {str(p.relative_to(objects)) for p in objects.rglob("*") if p.is_file()}


def unsettled(api: RunningApi) -> int:
    """How many objects Anna's uploads left that no row names."""
    return len(rows_of(api, "unsettled_objects", user_id("anna")))


def raw_form(filename: bytes, content: bytes) -> tuple[bytes, dict[str, str]]:
    """A form whose file name is sent exactly so."""
    head = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + filename + b'"\r\n\r\n'
    )
    return head + content + b"\r\n--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


def test_a_file_becomes_a_job(anna: httpx.Client, api: RunningApi) -> None:
    """Accepted: a job that waits, at its address, its bytes under a key of hashes alone."""
    answer = upload(anna, text("hail"), name="hail.md", tags=["2026", "home"])
    assert answer.status_code == 202
    job = answer.json()["job"]
    assert answer.json()["outcome"] == "new"
    assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["state"], job["version"], job["name"]) == ("uploaded", 1, "hail.md")
    assert job["tags"] == ["2026", "home"]
    assert job["sha256"] == sha256_hex(text("hail"))
    assert job["source"] == f"upload:{job['sha256']}"
    assert raw_key(user_id("anna"), job["sha256"]) in stored(api)
    assert unsettled(api) == 0


def test_the_same_bytes_again_are_answered_with_the_same_job(anna: httpx.Client) -> None:
    """A duplicate costs nothing: 200, the job that is there, and what it means."""
    first = accepted(anna, text("wind"))
    again = upload(anna, text("wind"), name="another-name.md")
    assert (again.status_code, again.json()["outcome"]) == (200, "waiting")
    assert again.json()["job"]["id"] == first["id"]


def test_new_bytes_of_a_source_are_a_new_version(anna: httpx.Client) -> None:
    """The document stays, the older job is superseded."""
    first = accepted(anna, text("flood"), source="https://example.org/flood")
    second = accepted(anna, text("flood, revised"), source="https://example.org/flood")
    assert first["document_id"] == second["document_id"]
    assert (first["version"], second["version"]) == (1, 2)
    assert anna.get(f"/jobs/{first['id']}").json()["state"] == "superseded"
    document = anna.get(f"/documents/{first['document_id']}").json()
    assert [job["version"] for job in document["jobs"]] == [2, 1]


def test_fields_may_come_after_the_file(anna: httpx.Client) -> None:
    """A form has no order: `source` and `tags` count wherever they stand."""
    form = (
        b'--x\r\nContent-Disposition: form-data; name="tags"\r\n\r\nfirst\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
        + text("order").encode()
        + b'\r\n--x\r\nContent-Disposition: form-data; name="source"\r\n\r\nmy/source\r\n'
        b'--x\r\nContent-Disposition: form-data; name="tags"\r\n\r\nsecond\r\n--x--\r\n'
    )
    job = anna.post("/documents", content=form, headers=FORM).json()["job"]
    assert (job["source"], job["tags"]) == ("my/source", ["first", "second"])


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name)[:24])
def test_hostile_names_are_only_shown(anna: httpx.Client, api: RunningApi, name: str) -> None:
    """Whatever a file is called: it is stored under its hash, and shown in one short line."""
    before = stored(api)
    content = text(f"name {sha256_hex(name)}")
    body, headers = raw_form(name.encode(), content.encode())
    answer = anna.post("/documents", content=body, headers=headers)
    if answer.status_code == 422:  # a form whose head is cut in two by the name
        assert stored(api) == before
        return
    job = answer.json()["job"]
    assert stored(api) - before == {raw_key(user_id("anna"), sha256_hex(content))}
    assert len(job["name"]) <= 60
    assert job["name"].isprintable()
    assert "/" not in job["name"]
    assert not (api.settings.home.parent / "escape.md").exists()


def zipped(**members: str) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"", "a.pdf", 422, "file_is_empty"),
        (bytes(1000), "a.pdf", 422, "file_is_empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "policy.pdf", 415, "unsupported_file_type"),
        (b"MZ\x90" + bytes(100), "policy.pdf", 415, "unsupported_file_type"),
        (b"\x7fELF" + os.urandom(100), "policy.md", 415, "unsupported_file_type"),
        (b"<html><body>Log in</body></html>", "policy.pdf", 415, "unsupported_file_type"),
        (zipped(a="b"), "policy.docx", 415, "unsupported_file_type"),
        (zipped(xl__workbook="b"), "policy.docx", 415, "unsupported_file_type"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused_at_once(
    anna: httpx.Client, api: RunningApi, content: bytes, name: str, status: int, code: str
) -> None:
    """The content decides, not the name; nothing of it stays."""
    before = stored(api)
    assert is_problem(upload(anna, content, name=name), status, code)["remedy"]
    assert stored(api) == before


def form(*parts: tuple[str, bytes]) -> dict[str, Any]:
    """A form of plain parts, each with its head's end."""
    body = b"".join(
        b"--x\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + content + b"\r\n"
        for head, content in parts
    )
    return {"content": body + b"--x--\r\n", "headers": FORM}


FILE = ('name="file"; filename="a.md"', text("form").encode())


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b"", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"content": b"", "headers": {"Content-Type": "multipart/form-data"}}, 415),
        ({"json": {"file": "x"}}, 415),
        ({"content": b"", "headers": FORM}, 422),
        ({"content": b"junk", "headers": FORM}, 422),
        ({"content": b"x", "headers": {"Content-Type": FORM["Content-Type"] + "x" * 999}}, 422),
        (form(), 422),
        (form(('name="source"', b"a")), 422),
        (form(FILE, FILE), 422),
        (form(FILE, ('name="source"', b"a"), ('name="source"', b"b")), 422),
        (form(FILE, ('name="color"', b"red")), 422),
        (form(FILE, ("filename=a", b"red")), 422),
        (form(FILE, ('name="source"', b"nul\x00")), 422),
        (form(FILE, ('name="source"', b"\xff\xfe")), 422),
        (form(FILE, ('name="source"', b"s" * 1025)), 422),
        (form(FILE, ('name="source"', b"s" * 100_000)), 422),
        (form(FILE, ('name="tags"', b"t" * 65)), 422),
        (form(FILE, *[('name="tags"', b"t")] * 21), 422),
        (form(FILE, *[('name="tags"', b"t")] * 100), 422),
        (form(FILE) | {"content": form(FILE)["content"][:-8]}, 422),
    ],
)  # fmt: skip
def test_broken_forms_are_refused_and_leave_nothing(
    anna: httpx.Client, api: RunningApi, request_: dict[str, Any], status: int
) -> None:
    """Other bodies, broken off, doubled, unknown, over-long fields: a problem, nothing stored."""
    before = stored(api)
    is_problem(anna.post("/documents", **request_), status)
    assert stored(api) == before
    assert unsettled(api) == 0


def test_one_byte_too_many(api: RunningApi, tmp_path: Path) -> None:
    """The limit counts exactly, by what is said and by what comes; nothing of it stays."""
    limit = 100_000
    settings = api.settings.model_copy(update={"max_file_bytes": limit, "home": tmp_path})
    with serving(settings) as small, small.client() as client:
        fits, over = b"a" * limit, b"a" * (limit + 1)
        assert upload(client, fits, name="a.txt").status_code == 202
        is_problem(upload(client, over, name="a.txt"), 413, "file_too_large")

        def pieces() -> Any:
            yield raw_form(b"a.txt", b"")[0].split(b"\r\n--x--")[0]
            yield over
            yield b"\r\n--x--\r\n"

        is_problem(client.post("/documents", content=pieces(), headers=FORM), 413)
        assert len(stored(small)) == 1


def test_413_comes_before_the_body_is_sent(api: RunningApi) -> None:
    """Who announces too much is told so at once: the answer comes without a byte of the body."""
    host, port = api.url.removeprefix("http://").split(":")
    token = api.client().headers["Authorization"]
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            f"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
            f"Content-Type: {FORM['Content-Type']}\r\nContent-Length: {2**40}\r\n\r\n".encode()
        )
        assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]


def test_an_upload_that_breaks_off_leaves_nothing(api: RunningApi, anna: httpx.Client) -> None:
    """The client goes away in the middle: no object, no job."""
    before, jobs = stored(api), len(anna.get("/jobs").json()["items"])
    host, port = api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = raw_form(b"a.txt", b"a" * 50_000)[0][:-20]
        connection.sendall(
            f"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: {anna.headers['Authorization']}\r\n"
            f"Content-Type: {FORM['Content-Type']}\r\nContent-Length: 900000\r\n\r\n".encode()
            + head
        )
        time.sleep(0.3)
    time.sleep(0.3)
    assert stored(api) == before
    assert unsettled(api) == 0
    assert len(anna.get("/jobs").json()["items"]) == jobs


def test_an_upload_that_stands_still_is_ended(api: RunningApi, tmp_path: Path) -> None:
    """Between two pieces only so much time may pass; then the place is given to others."""
    settings = api.settings.model_copy(update={"request_timeout_seconds": 0.3, "home": tmp_path})

    def pieces() -> Any:
        yield raw_form(b"a.txt", b"begun")[0][:-20]
        time.sleep(1)
        yield b"too late"

    with serving(settings) as slow, slow.client() as client:
        is_problem(client.post("/documents", content=pieces(), headers=FORM), 408)
        assert stored(slow) == set()


def announced(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/uploads", json={"name": "policy.md"} | body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_two_steps(api: RunningApi, anna: httpx.Client) -> None:
    """Announced, sent without a token, completed: the same job as by a form; again, the same."""
    made = announced(anna, source="my/source/2", tags=["signed"], bytes=len(text("signed")))
    assert unsettled(api) == 1
    assert made["upload"]["method"] == "PUT"
    assert httpx.put(made["upload"]["url"], content=text("signed")).status_code == 204
    done = anna.post(f"/uploads/{made['id']}/complete")
    assert (done.status_code, done.json()["outcome"]) == (202, "new")
    job = done.json()["job"]
    assert (job["source"], job["tags"]) == ("my/source/2", ["signed"])
    assert job["sha256"] == sha256_hex(text("signed"))
    again = anna.post(f"/uploads/{made['id']}/complete")
    assert (again.status_code, again.json()["job"]["id"]) == (200, job["id"])
    is_problem(httpx.put(made["upload"]["url"], content=b"late"), 409)
    assert not any("incoming" in key for key in stored(api))
    assert unsettled(api) == 0


def test_a_signed_url_is_good_for_one_thing_only(
    api: RunningApi, anna: httpx.Client, ben: httpx.Client
) -> None:
    """Altered, for another upload or method, or expired, it is refused; its owner completes it."""
    made, other = announced(anna), announced(anna)
    url = made["upload"]["url"]
    for wrong in (
        url.replace("signature=", "signature=x"),
        url.replace("expires=", "expires=1"),
        url.replace(made["id"], other["id"]),
        url.replace("/uploads/", "/originals/").replace("/content", ""),
    ):
        status = httpx.put(wrong, content=b"x").status_code
        assert status in (403, 405, 422)
    query, _ = api.parts.signer.query("PUT", f"/api/v1/uploads/{made['id']}/content", -1)
    expired = f"{api.url}/api/v1/uploads/{made['id']}/content?{query}"
    is_problem(httpx.put(expired, content=b"x"), 403, "link_expired")
    is_problem(anna.post(f"/uploads/{made['id']}/complete"), 404)  # nothing was sent
    assert httpx.put(url, content=text("mine")).status_code == 204
    is_problem(ben.post(f"/uploads/{made['id']}/complete"), 404)
    assert anna.post(f"/uploads/{made['id']}/complete").status_code == 202


def test_what_was_announced_is_what_has_to_come(anna: httpx.Client) -> None:
    """Fewer bytes than announced wait for the rest, more are refused, junk is refused whole."""
    made = announced(anna, bytes=1000)
    url, complete = made["upload"]["url"], f"/uploads/{made['id']}/complete"
    is_problem(httpx.put(url, content=b"a" * 1001), 413)
    assert httpx.put(url, content=b"a" * 999).status_code == 204
    is_problem(anna.post(complete), 409)
    assert httpx.put(url, content=b"\x89PNG\r\n\x1a\n" + bytes(992)).status_code == 204
    is_problem(anna.post(complete), 415, "unsupported_file_type")
    is_problem(anna.post(complete), 404)
    is_problem(anna.post("/uploads", json={"name": "a", "bytes": 2**40}), 413)


def test_what_cannot_be_parsed_is_found_by_the_worker(api: RunningApi, anna: httpx.Client) -> None:
    """A PDF with a password looks like any other until it is opened: it fails with a remedy."""
    job = accepted(anna, ENCRYPTED.read_bytes(), name="encrypted.pdf")
    api.work_off(job["id"])
    failed = anna.get(f"/jobs/{job['id']}").json()
    assert (failed["state"], failed["retryable"]) == ("failed_parse", True)
    assert failed["error"]["code"] == "file_is_encrypted"
    assert failed["error"]["remedy"]
    again = upload(anna, ENCRYPTED.read_bytes(), name="encrypted.pdf")
    assert (again.status_code, again.json()["outcome"]) == (200, "failed_before")


def test_without_the_database_no_bytes_stay(api: RunningApi) -> None:
    """Bytes that could not be registered are removed, and the error comes out."""
    services = api.parts.services

    async def failing() -> None:
        key = "someone/incoming/1"
        await api.parts.storage.put(key, b"# text")
        received = Received(key, "0" * 64, 6, b"# text")
        # A user that the database cannot hold: registering fails in the middle.
        with pytest.raises(Exception, match="user"):
            await accept(api.parts, "nobody", received, Description("a.md"))  # type: ignore[arg-type]
        assert not await api.parts.storage.exists(key)

    assert services.database is api.parts.database
    api.run(failing())


def test_what_the_database_cannot_hold_is_refused(anna: httpx.Client) -> None:
    """NUL, halves of surrogate pairs and unknown fields in JSON are the client's mistake."""
    for body in (
        {"name": "a\x00b"},
        {"name": "a", "source": "\x00"},
        {"name": "a", "tags": ["\x00"]},
        {"name": ""},
        {"name": "a", "tags": ["t"] * 21},
        {"name": "a", "color": "red"},
    ):
        is_problem(anna.post("/uploads", json=body), 422)
    headers = {"Content-Type": "application/json"}
    for raw in (b'{"name": "\\ud800"}', b'{"name": "a\\u0000"}', b"{", b"[]"):
        is_problem(anna.post("/uploads", content=raw, headers=headers), 422)
    is_problem(anna.post("/uploads", content=b"\xff", headers=headers), 400)
