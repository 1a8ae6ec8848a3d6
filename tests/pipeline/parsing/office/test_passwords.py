"""Files with passwords: opened with those that are given, and never telling them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from clients.parser_pool.sandbox import ParserPool
from pipeline.errors import ConfigurationError, ParseCode, ParseError
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType, sniff
from pipeline.parsing.options import ParseOptions
from pipeline.passwords import passwords_for
from pipeline.settings import load_settings
from tests.pipeline.parsing.locked_files import locked_workbook, locked_zip
from tests.pipeline.parsing.made_files import SENTENCE, pdf

FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "policy.pdf": (lambda: pdf(password="opensesame"), SENTENCE),
    "rates.xlsx": (lambda: locked_workbook("opensesame"), "18.8"),
    "all.zip": (lambda: locked_zip({"a.txt": b"words"}, "opensesame"), "a.txt"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_locked_file_opens_with_its_password(name: str) -> None:
    """Of several passwords the right one opens a PDF, a workbook or an archive."""
    make, words = FILES[name]
    content = make()
    options = ParseOptions(passwords=("wrong", "opensesame"))
    assert words in parse_bytes(content, sniff(content, name), options).text


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("passwords", [(), ("wrong",)])
def test_without_it_a_locked_file_says_how_to_give_it(
    name: str, passwords: tuple[str, ...]
) -> None:
    """A file that stays locked is told as such, with what to do, and without the passwords."""
    content = FILES[name][0]()
    with pytest.raises(ParseError) as caught:
        parse_bytes(content, sniff(content, name), ParseOptions(passwords=passwords))
    assert caught.value.parse_code is ParseCode.ENCRYPTED
    assert "--password-file" in caught.value.remedy
    assert "wrong" not in str(caught.value.message)


def test_the_files_of_a_locked_archive_come_unlocked() -> None:
    """What is inside an encrypted archive is what was put in."""
    content = locked_zip({"a.txt": b"words", "b.txt": b"more words"}, "opensesame")
    document = parse_bytes(content, MediaType.ZIP, ParseOptions(passwords=("opensesame",)))
    assert [each.content for each in document.attachments] == [b"words", b"more words"]


async def test_a_worker_gets_passwords_by_its_pipe_alone() -> None:
    """A password is in no argument and no environment of the worker's process."""
    content = pdf(password="opensesame")
    async with ParserPool(1) as pool:
        document = await pool.parse(content, MediaType.PDF, ("opensesame",))
        assert SENTENCE in document.text
        process = psutil.Process(pool.pids[0])
        assert "opensesame" not in " ".join(process.cmdline())
        assert "opensesame" not in str(process.environ())
        with pytest.raises(ParseError) as caught:
            await pool.parse(content, MediaType.PDF)
    assert caught.value.parse_code is ParseCode.ENCRYPTED


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("/claims/a.pdf", ("for all", "for PDFs")),
        ("/claims/sub/b.PDF", ("for all",)),
        ("/broker/b.docx", ("for all", "of the broker")),
        ("/d/mail.eml#1/a.pdf", ("for all", "for PDFs", "of the mail")),
        ("/d/mail.eml#2/x.zip#1/b.docx", ("for all", "of the mail")),
    ],
)
def test_a_pattern_says_which_files_a_password_is_for(
    source: str, expected: tuple[str, ...]
) -> None:
    """A line is a password for all files, or for those whose path or name fits its pattern."""
    lines = "for all\n*.pdf\tfor PDFs\n\n/broker/*\tof the broker\nmail.eml\tof the mail\n\t\n"
    assert passwords_for(source, SecretStr(lines)) == expected


def test_settings_and_file_give_passwords_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both places count, neither is shown, and a file that is not there is said at the start."""
    file = tmp_path / "passwords"
    file.write_text("\ufeffcanary-two\n", "utf-8")
    monkeypatch.setenv("NAVIGATOR_PASSWORDS", "canary-one")
    monkeypatch.setenv("NAVIGATOR_PASSWORD_FILE", str(file))
    settings = load_settings()
    assert settings.passwords_for("/x.pdf") == ("canary-one", "canary-two")
    assert "canary" not in repr(settings) + str(settings.model_dump())
    monkeypatch.setenv("NAVIGATOR_PASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "NAVIGATOR_PASSWORD_FILE: there is no such file" in caught.value.message
