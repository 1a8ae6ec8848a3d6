"""The MCP server by HTTP and on standard input and output, driven by the SDK's own client."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters, types
from mcp.client.streamable_http import streamable_http_client

from app.api.authentication import issue_token
from app.api.rate_limits import RateLimits
from app.mcp.tools import TOOLS
from pipeline.identity import user_id
from tests.app.api.calling import accepted, text
from tests.app.api.database import rows_of
from tests.app.api.serving import RunningApi
from tests.app.navigating import ROOT, Navigator
from tests.pipeline.parsing.made_files import policy_pdf

PNG = b"\x89PNG\r\n\x1a\n"
NOBODYS = str(uuid4())


@pytest.fixture(scope="module")
def policies(api: RunningApi) -> dict[str, str]:
    """Anna has a PDF of three pages, Ben a text; their ids."""
    with api.client("anna") as anna, api.client("ben") as ben:
        pdf = accepted(anna, policy_pdf(3), name="policy.pdf", source="policy")
        note = accepted(ben, text("zebras"), name="zebras.md", source="zebras")
    api.work_off(pdf["id"])
    api.work_off(note["id"], user="ben")
    return {"anna": pdf["document_id"], "ben": note["document_id"]}


@asynccontextmanager
async def by_http(
    api: RunningApi, token: str | None, query: str = "", mode: str = "auto"
) -> AsyncIterator[Client]:
    """The SDK's client with a token, or none."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(
            streamable_http_client(f"{api.url}/mcp{query}", http_client=http), mode=mode
        ) as client,
    ):
        yield client


def token_of(api: RunningApi, user: str, *, service: bool = False) -> str:
    """A user's token for the API."""
    return issue_token(api.settings, user, service=service, hours=1)


def on_stdio(api: RunningApi, *arguments: str) -> StdioServerParameters:
    """`navigator mcp` as an assistant starts it, over the same database."""
    url = api.settings.database_url
    assert url is not None
    variables = {"NAVIGATOR_DATABASE_URL": url.get_secret_value()}
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "app", "mcp", *arguments],
        env=Navigator(api.settings.home, variables).environment,
        cwd=ROOT,
    )


def json_of(result: Any) -> dict[str, Any]:
    """What a tool answered, which it says twice."""
    assert not result.is_error, result.content
    told: dict[str, Any] = json.loads(result.content[0].text)
    assert told == result.structured_content
    return told


def refusal_of(result: Any) -> str:
    """Why a tool refused."""
    assert result.is_error
    sentence: str = result.content[0].text
    assert sentence.endswith(".")
    return sentence


async def test_a_search_is_answered_with_citations(
    api: RunningApi, policies: dict[str, str]
) -> None:
    """A passage has its document, pages and headings to quote, and a link to the page's picture."""
    async with by_http(api, token_of(api, "anna")) as client:
        result = await client.call_tool("search", {"question": "What does section 2 pay?"})
        passage = json_of(result)["passages"][0]
        assert passage["document_id"] == policies["anna"]
        assert passage["citation"].startswith("policy.pdf, page")
        assert passage["text_cut"] is False
        links = [each for each in result.content if isinstance(each, types.ResourceLink)]
        assert passage["picture_address"] in [each.uri for each in links]
        picture = (await client.read_resource(passage["picture_address"])).contents[0]
        assert isinstance(picture, types.BlobResourceContents)
        assert base64.b64decode(picture.blob).startswith(PNG)


async def test_every_tool_says_that_it_only_reads(api: RunningApi) -> None:
    """A client can let every tool run without asking a person."""
    async with by_http(api, token_of(api, "anna")) as client:
        tools = (await client.list_tools()).tools
    assert {each.name for each in tools} == set(TOOLS)
    for each in tools:
        assert each.annotations is not None
        assert each.annotations.read_only_hint is True


async def test_a_user_reads_nothing_of_another(api: RunningApi, policies: dict[str, str]) -> None:
    """Neither tool nor resource shows another user's document, nor tells that it exists."""
    async with by_http(api, token_of(api, "ben")) as client:
        found = json_of(await client.call_tool("search", {"question": "section 2", "limit": 20}))
        assert {each["document_id"] for each in found["passages"]} == {policies["ben"]}
        listed = json_of(await client.call_tool("list_documents", {}))
        assert [each["id"] for each in listed["items"]] == [policies["ben"]]
        resources = (await client.list_resources()).resources
        assert [each.uri for each in resources] == [f"navigator://documents/{policies['ben']}"]
        for tool in ("document_status", "read_page", "page_picture"):
            hers, nobodys = [
                refusal_of(await client.call_tool(tool, {"document": each}))
                for each in (policies["anna"], NOBODYS)
            ]
            assert hers == nobodys
        restricted = {"question": "section 2", "document": policies["anna"]}
        assert "no such document" in refusal_of(await client.call_tool("search", restricted))
        for rest in ("", "/pages/1", "/pages/1/picture"):
            with pytest.raises(MCPError, match=r"no such document"):
                await client.read_resource(f"navigator://documents/{policies['anna']}{rest}")
        assert json_of(await client.call_tool("status", {}))["documents"] == {"complete": 1}


async def test_a_client_of_an_older_version_reads_its_own_too(
    api: RunningApi, policies: dict[str, str]
) -> None:
    """Who begins with a handshake is answered as the token's user as well."""
    async with by_http(api, token_of(api, "ben"), mode="legacy") as client:
        found = json_of(await client.call_tool("search", {"question": "section 2", "limit": 20}))
        assert {each["document_id"] for each in found["passages"]} == {policies["ben"]}
        hers = await client.call_tool("read_page", {"document": policies["anna"]})
        assert "no such document" in refusal_of(hers)


async def test_a_page_is_read_and_shown(api: RunningApi, policies: dict[str, str]) -> None:
    """The text comes as JSON, the picture as an image; a missing page is told."""
    where = {"document": policies["anna"], "page": 2}
    async with by_http(api, token_of(api, "anna")) as client:
        page = json_of(await client.call_tool("read_page", where))
        assert (page["number"], page["of"]) == (2, 3)
        assert "Section 2" in page["text"]
        image = (await client.call_tool("page_picture", where)).content[0]
        assert isinstance(image, types.ImageContent)
        assert base64.b64decode(image.data).startswith(PNG)
        assert image.mime_type == "image/png"
        missing = await client.call_tool("page_picture", {**where, "page": 9})
        assert "not a page 9" in refusal_of(missing)


async def test_wrong_arguments_are_named(api: RunningApi) -> None:
    """What is wrong with arguments is one sentence without their values."""
    async with by_http(api, token_of(api, "anna")) as client:
        given = {"question": " ", "limit": 500, "secret": "hunter2"}
        sentence = refusal_of(await client.call_tool("search", given))
        assert "limit" in sentence
        assert "question: must hold words" in sentence
        assert "hunter2" not in sentence
        assert "no such tool" in refusal_of(await client.call_tool("delete_everything", {}))
        for address in ("navigator://documents/7", "file:///etc/passwd", "navigator://x/y?z"):
            with pytest.raises(MCPError, match="no resource of this address"):
                await client.read_resource(address)


@pytest.mark.parametrize("token", [None, "forged"], ids=["none", "forged"])
async def test_nobody_is_answered_without_a_token(api: RunningApi, token: str | None) -> None:
    """Without a valid token not even the tools are listed, and the client shows why."""
    with pytest.raises((MCPError, ExceptionGroup)) as caught:
        async with by_http(api, token) as client:
            await client.list_tools()
    assert "token" in str(_innermost(caught.value))


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def test_an_operator_says_whose(api: RunningApi, policies: dict[str, str]) -> None:
    """An operator's client names the user in the address; who is none may not."""
    operator = token_of(api, "root", service=True)
    async with by_http(api, operator, "?user=ben") as client:
        found = json_of(await client.call_tool("search", {"question": "zebras"}))
        assert {each["document_id"] for each in found["passages"]} == {policies["ben"]}
    async with by_http(api, operator) as client:
        assert "`user`" in refusal_of(await client.call_tool("search", {"question": "zebras"}))
    with pytest.raises((MCPError, ExceptionGroup)) as caught:
        async with by_http(api, token_of(api, "anna"), "?user=ben") as client:
            await client.list_tools()
    assert "Only operators" in str(_innermost(caught.value))


async def test_what_is_read_is_noted_in_the_access_log(
    api: RunningApi, policies: dict[str, str]
) -> None:
    """Searches, pages and pictures are noted as those of the API, with who asked."""
    before = len(rows_of(api, "access_log", user_id("anna")))
    async with by_http(api, token_of(api, "anna")) as client:
        await client.call_tool("search", {"question": "section 2"})
        await client.call_tool("read_page", {"document": policies["anna"]})
        await client.call_tool("page_picture", {"document": policies["anna"]})
    rows = rows_of(api, "access_log", user_id("anna"))[before:]
    assert [row["action"] for row in rows] == ["search", "page", "page_picture"]


async def test_requests_count_against_the_users_limit(
    api: RunningApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of a minute is the API's own, and its refusal says when to come again."""
    limits = RateLimits(api.settings.model_copy(update={"requests_per_minute": 4}))
    # The state is no attribute of its own, so that it would not be put back.
    monkeypatch.setitem(api.app.state._state, "parts", replace(api.parts, limits=limits))
    with pytest.raises((MCPError, ExceptionGroup)) as caught:
        async with by_http(api, token_of(api, "anna")) as client:
            for _ in range(6):
                await client.call_tool("list_documents", {})
    assert "too many requests" in str(_innermost(caught.value))


def test_other_sites_are_refused(api: RunningApi) -> None:
    """A page of another site is refused, as are methods that would keep a session."""
    headers = {"Authorization": f"Bearer {token_of(api, 'anna')}", "Origin": "http://evil.example"}
    answer = httpx.post(f"{api.url}/mcp", headers=headers, json={})
    assert answer.status_code == 403
    assert "other sites" in answer.json()["error"]["message"]
    assert httpx.get(f"{api.url}/mcp").status_code == 405


async def test_a_long_answer_is_cut_and_says_so(
    api: RunningApi, policies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts of one answer are bounded together, and what is cut says so."""
    monkeypatch.setattr("app.mcp.answers.ANSWER_CHARACTERS", 50)
    async with by_http(api, token_of(api, "anna")) as client:
        found = json_of(await client.call_tool("search", {"question": "section"}))
        page = json_of(await client.call_tool("read_page", {"document": policies["anna"]}))
    assert sum(len(each["text"]) for each in found["passages"]) == 50
    assert found["passages"][-1]["text_cut"] is True
    assert (len(page["text"]), page["text_cut"]) == (50, True)


async def test_a_large_picture_is_drawn_narrower(
    api: RunningApi, policies: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture over the bound is drawn narrower, and refused when even that is too large."""
    where = {"document": policies["anna"], "width": 1600}
    async with by_http(api, token_of(api, "anna")) as client:
        whole = (await client.call_tool("page_picture", where)).content[0]
        assert isinstance(whole, types.ImageContent)
        size = len(base64.b64decode(whole.data))
        monkeypatch.setattr("app.mcp.tools.PICTURE_BYTES", size - 1)
        narrow = (await client.call_tool("page_picture", where)).content[0]
        assert isinstance(narrow, types.ImageContent)
        assert len(base64.b64decode(narrow.data)) < size
        monkeypatch.setattr("app.mcp.tools.PICTURE_BYTES", 10)
        assert "too large" in refusal_of(await client.call_tool("page_picture", where))


async def test_each_user_reads_their_own_on_standard_input_and_output(
    api: RunningApi, policies: dict[str, str]
) -> None:
    """`navigator mcp --user` serves that user's documents from the home alone."""
    async with Client(on_stdio(api, "--user", "ben")) as client:
        found = json_of(await client.call_tool("search", {"question": "zebras", "limit": 20}))
        assert {each["document_id"] for each in found["passages"]} == {policies["ben"]}
        hers = await client.call_tool("read_page", {"document": policies["anna"]})
        assert "no such document" in refusal_of(hers)


def test_standard_output_carries_the_protocol_alone(api: RunningApi) -> None:
    """Every line on stdout is a message, with a wrong setting too, which the tool then tells."""
    parameters = on_stdio(api, "--user", "anna")
    assert parameters.env is not None
    wrong = {"NAVIGATOR_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "NAVIGATOR_X": "1",
             "NAVIGATOR_LOG_LEVEL": "DEBUG"}  # fmt: skip
    asked: list[dict[str, object]] = [
        {"method": "initialize", "id": 1, "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}}},
        {"method": "notifications/initialized"},
        {"method": "tools/call", "id": 2, "params": {
            "name": "list_documents", "arguments": {}}},
    ]  # fmt: skip
    with subprocess.Popen(
        [parameters.command, *parameters.args], cwd=ROOT, env=parameters.env | wrong,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.writelines(json.dumps({"jsonrpc": "2.0", **each}) + "\n" for each in asked)
        process.stdin.flush()
        lines = [process.stdout.readline(), process.stdout.readline()]
        rest, told = process.communicate(timeout=60)
    assert rest == ""
    assert [json.loads(each)["id"] for each in lines] == [1, 2]
    result = json.loads(lines[1])["result"]
    assert result["isError"] is True
    assert "Postgres cannot be reached" in result["content"][0]["text"]
    assert "Traceback" not in told


@pytest.mark.long
async def test_the_example_of_the_page_runs(
    api: RunningApi, policies: dict[str, str], tmp_path: Path
) -> None:
    """The program of docs/mcp.md prints a citation and where its page's picture is."""
    parameters = on_stdio(api, "--user", "anna")
    assert parameters.env is not None
    variables = " ".join(
        f"{name}={shlex.quote(value)}"
        for name, value in parameters.env.items()
        if name.startswith("NAVIGATOR_")
    )
    command = tmp_path / "navigator"
    command.write_text(
        f'#!/bin/sh\ncd {ROOT}\nexec env {variables} {sys.executable} -m app "$@" --user anna\n'
    )
    command.chmod(0o700)
    page = (ROOT / "docs" / "mcp.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", example], capture_output=True, text=True,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"navigator://documents/{policies['anna']}/pages/" in done.stdout


async def test_what_somebody_sent_is_in_no_log(
    api: RunningApi, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Messages that are none of the protocol's are refused, and repeated nowhere."""
    headers = {"Authorization": f"Bearer {token_of(api, 'anna')}",
               "Accept": "application/json, text/event-stream"}  # fmt: skip
    with caplog.at_level("DEBUG"):
        async with httpx2.AsyncClient(headers=headers) as http:
            for body in ({"hunter2": 1}, {"jsonrpc": "2.0", "id": 1, "method": "hunter2"},
                         {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                          "params": {"name": 7, "arguments": "hunter2"}}):  # fmt: skip
                answer = await http.post(f"{api.url}/mcp", json=body)
                assert "error" in answer.json(), answer.text
    said = capfd.readouterr()
    assert "hunter2" not in said.out + said.err
    assert "hunter2" not in "".join(each.getMessage() for each in caplog.records)


@pytest.fixture
def http_process(api: RunningApi, tmp_path: Path) -> Iterator[str]:
    """`navigator mcp --http` in a process of its own; its address."""
    parameters = on_stdio(api, "--http", "--port", "0")
    with subprocess.Popen(
        [parameters.command, *parameters.args], cwd=ROOT, env=parameters.env,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield _address(process)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _address(process: subprocess.Popen[str]) -> str:
    import psutil

    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stderr and process.stderr.read()
        for each in psutil.Process(process.pid).net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN:
                return f"http://127.0.0.1:{each.laddr.port}"
        time.sleep(0.1)
    raise AssertionError("it does not listen")


@pytest.mark.long
async def test_mcp_by_http_serves_nothing_else(
    api: RunningApi, policies: dict[str, str], http_process: str
) -> None:
    """`navigator mcp --http` answers clients with a token, and none of the API's routes."""
    token = token_of(api, "ben")
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(f"{http_process}/mcp", http_client=http)) as client,
    ):
        found = json_of(await client.call_tool("search", {"question": "zebras"}))
        assert {each["document_id"] for each in found["passages"]} == {policies["ben"]}
        assert (await http.get(f"{http_process}/api/v1/documents")).status_code == 404
