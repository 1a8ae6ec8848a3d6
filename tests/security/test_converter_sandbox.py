"""A DOC that takes over LibreOffice reaches nothing either, and honest ones are still read."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from clients.parser_pool.sandbox import ParserPool
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import MIB, ParseOptions
from tests.pipeline.parsing.compound_files import compound
from tests.pipeline.parsing.made_files import SENTENCE, docx

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such cells")

OLD_WORD = compound({"WordDocument": b"\xec\xa5" + bytes(2000)})


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of programs, the first on the path; what lies in it may be read by programs."""
    with tempfile.TemporaryDirectory(prefix="programs-") as made:
        folder = Path(made)
        (folder / "made.docx").write_bytes(docx())
        folder.chmod(0o755)  # programs lie where everybody may start them
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        yield folder


def libreoffice(programs: Path, before: str = "") -> None:
    """Stands in for LibreOffice, which a machine of tests need not have: copies a DOCX."""
    program = programs / "soffice"
    program.write_text(
        f"#!/bin/sh\n{before}\nwhile [ $# -gt 2 ]; do shift; done\n"
        f'test -s "$2" && mkdir -p "$1" && cp "{programs}/made.docx" "$1/document.docx"\n'
    )
    program.chmod(0o755)


def converted(limits: ParseOptions | None = None) -> str:
    """The text of a DOC, read by a pool as any document is."""

    async def parse() -> str:
        async with ParserPool(1, limits) as pool:
            return (await pool.parse(OLD_WORD, MediaType.DOC)).text

    return asyncio.run(parse())


def test_an_old_word_file_is_converted_in_a_cell(programs: Path) -> None:
    """The program writes into a folder of its own, which is gone afterwards."""
    libreoffice(programs, 'echo "$HOME" > "$HOME/where" && cat "$HOME/where" > /dev/null')
    before = set(Path("/tmp").glob("navigator-*"))
    assert SENTENCE in converted()
    assert set(Path("/tmp").glob("navigator-*")) <= before


def test_a_program_that_was_taken_over_reaches_nothing(programs: Path, tmp_path: Path) -> None:
    """It reads no secret, writes nowhere else, connects to nobody and signals nobody."""
    secret, outside = tmp_path / "secret", tmp_path / "outside"
    secret.write_text("the secret of the tokens")
    tmp_path.chmod(0o777)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    attempts = {
        "secret": f"cat {secret}",
        "environment": f"cat /proc/{os.getpid()}/environ",
        "outside": f"echo x > {outside}",
        "shared": "echo x > /tmp/navigator-intruder",
        "signal": f"kill -0 {os.getpid()}",
        "network": f"python3 -c \"import socket; socket.create_connection(('127.0.0.1', "
        f'{listener.getsockname()[1]}))"',
        "session": "setsid true",
    }
    tried = "\n".join(
        f'if {{ {command}; }} > /dev/null 2>&1; then reached="$reached {name}"; fi'
        for name, command in attempts.items()
    )
    # outside of a sandbox each of them succeeds
    free = subprocess.run(["/bin/sh", "-c", f"{tried}\necho $reached"], capture_output=True)
    if os.geteuid() == 0:
        assert free.stdout.decode().split() == list(attempts)
    listener.accept()[0].close()
    outside.unlink()
    Path("/tmp/navigator-intruder").unlink()
    # in it, one that succeeds would keep the document from being made
    libreoffice(programs, f'{tried}\ntest -z "$reached" || exit 1')
    assert SENTENCE in converted()
    assert not outside.exists()
    with pytest.raises(BlockingIOError):
        listener.accept()
    listener.close()


def test_what_a_program_leaves_running_ends(programs: Path) -> None:
    """A program that stays behind in the background ends with the conversion."""
    libreoffice(programs, "sleep 873 &")
    converted()
    running = [each.info["cmdline"] for each in psutil.process_iter(["cmdline", "status"])]
    assert ["sleep", "873"] not in running


def test_a_program_that_hangs_is_ended(programs: Path) -> None:
    """The time limit of a document holds for what converts it."""
    libreoffice(programs, "while true; do :; done")
    limits = ParseOptions(timeout_seconds=1, memory_bytes=300 * MIB)
    with pytest.raises(ParseError) as caught:
        converted(limits)
    assert caught.value.parse_code is ParseCode.TIMEOUT


def test_without_libreoffice_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no program converts a DOC, it is refused in a sentence that says what to do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ParseError) as caught:
        converted()
    assert caught.value.parse_code is ParseCode.UNSUPPORTED_TYPE
