"""Cleans keys, tokens and secrets as they come from files and forms."""

from __future__ import annotations

import unicodedata

from pydantic import SecretStr

from pipeline.errors import ConfigurationError

# What a mounted file, an editor or a copied web page leaves around a key.
_AROUND = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\N{ZERO WIDTH NO-BREAK SPACE}"
_LINE_ENDS = "\r\n"
_VISIBLE = range(0x21, 0x7F)


def clean_key(value: str) -> str:
    """A key without the white space around it, as an HTTP header can carry it.

    Raises:
        ValueError: it holds a character that a header cannot carry; the sentence says which and
            where, and nothing else of the key.
    """
    key = value.strip(_AROUND)
    for place, character in enumerate(key, 1):
        if ord(character) not in _VISIBLE:
            raise ValueError(
                f"character {place} of the key is {_named(character)}, which no key has and no "
                "request can carry: copy it again"
            )
    return key


def usable_key(key: SecretStr, service: str) -> SecretStr:
    """The key of a service, as its requests can carry it.

    Raises:
        ConfigurationError: they cannot.
    """
    try:
        return SecretStr(clean_key(key.get_secret_value()))
    except ValueError as error:
        raise ConfigurationError(
            f"The key of {service} is wrong: {error}.",
            remedy="Set it again, where the settings or the saved block name it.",
        ) from None


def clean_secret(value: str) -> str:
    """A shared secret without a byte-order mark and the line end that a file leaves behind.

    It is never a header but goes into a signature, and whoever checks that has the same bytes: so
    everything else, spaces too, is part of it.
    """
    return value.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").rstrip(_LINE_ENDS)


def trimmed(value: str) -> str:
    """An address without white space around it."""
    return value.strip(_AROUND)


def _named(character: str) -> str:
    code = f"U+{ord(character):04X}"
    if character.isspace():
        return f"white space ({code})"
    name = unicodedata.name(character, "")
    return f"{name.lower()} ({code})" if name else f"a control character ({code})"
