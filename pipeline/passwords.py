"""Selects the passwords to try on an encrypted file; they are never shown."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from pydantic import SecretStr

MAX_PASSWORDS = 100
"""Tried on one file; a key that is derived from a password takes a tenth of a second."""


def passwords_for(source: str, given: SecretStr | None) -> tuple[str, ...]:
    """The passwords to try on a file, in the order in which they are given.

    Args:
        source: the file's path; a pattern is compared with it, with its name, and with the path
            and name of the file that it is inside of.
        given: a password a line, or a pattern, a tab and a password.
    """
    if given is None:
        return ()
    found = dict.fromkeys(
        password
        for pattern, password in _entries(given.get_secret_value())
        if pattern is None or _fits(source, pattern)
    )
    return tuple(found)[:MAX_PASSWORDS]


def _entries(text: str) -> Iterator[tuple[str | None, str]]:
    for line in text.splitlines():
        pattern, tab, password = line.partition("\t")
        if tab and password and pattern.strip():
            yield pattern.strip(), password
        elif line.strip() and not tab:
            yield None, line


def _fits(source: str, pattern: str) -> bool:
    whole = PurePosixPath(source)
    places = [source, whole.name, *(str(folder) for folder in whole.parents)]
    names = [part.partition("#")[0] for part in whole.parts if "#" in part]
    return any(fnmatchcase(each, pattern) for each in (*places, *names))
