"""docs/capacity.md and docs/disaster-recovery.md say what the program does, command by command."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from app.cli.main import app
from app.load.local_load import (
    DOCUMENT_SECTIONS,
    FOLDER_AT_ONCE,
    FOLDER_DOCUMENTS,
    LOCAL_LOAD,
    USERS,
    documents_per_minute,
)
from app.load.targets import P95_MILLISECONDS, SUCCESS_SHARE
from app.stack.status_file import running_stack
from benchmarks.corpus import write_corpus
from benchmarks.reliability.__main__ import parser as reliability_options
from pipeline.child_processes import child_environment, module_command
from tests.app.navigating import NEEDLESS
from tests.app.stack.conftest import free_offset
from tests.rooms import ROOT

PAGES = ("capacity.md", "disaster-recovery.md")
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
SHORTER = {
    "--times 10 --for 5m --forecast 100": "--times 2 --for 3s --forecast 100",
    "--times 10 --for 5m": "--times 1 --for 3s",
    "--corpora 100 1000": "--corpora 4",
}
"""What takes too long is run smaller."""


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def commands(name: str) -> list[str]:
    """Every command of a page, in order, without its remark."""
    lines = "".join(_BLOCK.findall(page(name))).splitlines()
    return [line[2:].partition("#")[0].strip() for line in lines if line.startswith("$ ")]


@pytest.mark.parametrize("name", PAGES)
def test_every_command_is_understood(name: str) -> None:
    """Each command of a page is one of ours, with options and arguments that it has."""
    found = [shlex.split(each) for each in commands(name)]
    assert found
    for words in found:
        match words:
            case ["navigator", *rest]:
                group = typer.main.get_command(app)
                assert isinstance(group, TyperGroup)
                with group.make_context("navigator", rest.copy()) as context:
                    called, command, arguments = group.resolve_command(context, rest)
                    assert called and command
                    command.make_context(called, arguments, parent=context)
            case ["python", "-m", "benchmarks.reliability", *rest]:
                reliability_options().parse_args(rest)
            case ["export", assigned]:
                assert assigned.startswith("NAVIGATOR_HOME=")
            case _:
                pytest.fail(f"{name}: {words}")


def test_the_local_load_stands_on_the_page() -> None:
    """The page's table is the load that the command multiplies, with the sources."""
    text = page("capacity.md")
    for kind, rate in LOCAL_LOAD.items():
        row = f"| {kind} | `{rate.endpoint}` | {rate.per_minute:g} | {rate.source} |"
        assert row in text
    assert len(re.findall(r"^\| \w+ \| `(?:GET|POST) ", text, re.M)) == len(LOCAL_LOAD)
    assert f"**{USERS} users**" in text
    assert f"**{documents_per_minute(1):g} documents a minute**" in text
    assert f"{FOLDER_DOCUMENTS} files, {FOLDER_AT_ONCE} at a time" in text
    assert f"{DOCUMENT_SECTIONS[0]} to {DOCUMENT_SECTIONS[1]} sections" in text
    assert f"below {P95_MILLISECONDS:g} ms" in text
    assert f"{SUCCESS_SHARE:.0%}" in text


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which the page's commands are found, with a home of their own.

    What a page's failed commands leave running is stopped.
    """
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in (("navigator", "app"), ("python", "")):
        command = shlex.join([sys.executable]) if not module else shlex.join(module_command(module))
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (programs / name).chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if name not in NEEDLESS}
    environment = child_environment(clean) | {
        "PATH": f"{programs}:{os.environ['PATH']}", "NAVIGATOR_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    yield environment
    for home in (tmp_path / "home", tmp_path / "restored"):
        if running_stack(home):
            variables = environment | {"NAVIGATOR_HOME": str(home)}
            subprocess.run([programs / "navigator", "down"], env=variables, timeout=120, check=True)


@pytest.mark.long
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("name", PAGES)
def test_every_command_runs(name: str, tmp_path: Path, beside: dict[str, str]) -> None:
    """The commands of a page are run one after the other, as a person would, and each works.

    A load may be judged as not held on a busy machine, which is exit code 1 with a verdict.
    """
    write_corpus(tmp_path / "policies", 4)
    offset = free_offset()
    lines = ["set -ex"]
    for command in commands(name):
        for long, short in SHORTER.items():
            command = command.replace(long, short)
        if command == "navigator up":
            log = tmp_path / "up.log"
            lines += [
                f"navigator up --port-offset {offset} > {log} 2>&1 &",
                f"until grep -q 'Everything is up' {log}; do kill -0 $!; sleep 1; done",
            ]
        elif command.startswith("navigator load"):
            lines.append(f"{command} || test $? -eq 1")
        else:
            lines.append(command.replace("/srv/navigator-restored", str(tmp_path / "restored")))
    script = subprocess.Popen(
        ["bash", "-c", "\n".join(lines)], cwd=tmp_path, env=beside, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        out, err = script.communicate(timeout=2200)
    finally:
        with suppress(ProcessLookupError):  # what a command that failed leaves behind
            os.killpg(script.pid, signal.SIGTERM)
    assert script.returncode == 0, out + err
    assert "Traceback" not in err
