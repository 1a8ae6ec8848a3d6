"""`navigator mocks`: the mock servers in the foreground."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app.navigating import ROOT, Navigator, ended

EXAMPLE = ROOT / "mocks" / "faults.example.yaml"


@pytest.fixture
def navigating(tmp_path: Path) -> Navigator:
    return Navigator(tmp_path / "home")


@pytest.fixture
def running(navigating: Navigator) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The command with a fault script and keys, and what it says to export."""
    process = navigating.start(
        "mocks", "--port", 0, "--speed", 1000, "--faults", EXAMPLE, "--openai-key", "sk-one"
    )
    assert process.stdout is not None
    exported: dict[str, str] = {}
    said = ""
    while "rules" not in said:
        said = process.stdout.readline()
        assert said, "the command has ended"
        exported |= dict(re.findall(r"([A-Z_]+)=(\S+)", said))
        exported["said"] = exported.get("said", "") + said
    yield process, exported
    if process.poll() is None:
        process.kill()
        process.communicate()


def test_it_serves_what_it_says_to_export(
    running: tuple[subprocess.Popen[str], dict[str, str]],
) -> None:
    """Both services answer at the addresses told, with the key told; Ctrl-C ends it with 0."""
    process, exported = running
    headers = {"authorization": f"Bearer {exported['OPENAI_API_KEY']}"}
    with httpx.Client(headers=headers) as client:
        assert client.get(f"{exported['OPENAI_BASE_URL']}/models").status_code == 200
        cloud = exported["LLAMA_CLOUD_BASE_URL"]
        assert client.get(f"{cloud}/api/v2/parse/versions").status_code == 200
        assert len(client.get(f"{cloud}/__mock/faults").json()) == 10
        client.headers["authorization"] = "Bearer sk-two"
        assert client.get(f"{exported['OPENAI_BASE_URL']}/models").status_code == 401
    process.send_signal(signal.SIGINT)
    finished = ended(process)
    assert (finished.code, finished.err.strip()) == (0, "The mock servers have stopped.")
    assert all(name in exported["said"] for name in ("OpenAI", "LlamaParse", "10 rules"))


def test_a_wrong_fault_script_is_explained(navigating: Navigator, tmp_path: Path) -> None:
    """A script that cannot be used ends the command with the reason and an example to look at."""
    navigating.home.mkdir()
    script = tmp_path / "faults.yaml"
    script.write_text("- {service: openai, fault: quotas}")
    finished = navigating.here("mocks", "--port", 0, "--faults", script)
    assert finished.code == 2
    assert "unknown fault kind 'quotas'" in finished.err
    assert "faults.example.yaml" in finished.err


def test_a_port_that_is_taken(navigating: Navigator) -> None:
    """The address that cannot be listened at is named, and what to do."""
    navigating.home.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        finished = navigating.here("mocks", "--port", taken.getsockname()[1])
    assert finished.code == 2
    assert "--port" in finished.err
