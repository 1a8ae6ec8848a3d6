"""Redaction: blots secrets out of what is about to be written down, as a last line of defense.

Nothing should ever reach it: errors and log events are made without secrets. What does is cut out
by its form (keys, tokens, passwords in addresses), and by the values that the settings and the
environment hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from pydantic import SecretStr

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings, load_settings

BLOT = "***"

_FORMS = re.compile(
    r"(?P<scheme>[A-Za-z0-9+.-]://)[^\s/@]+@"  # a password in an address
    r"|\b(?:sk|llx|pnu|whsec)[-_][A-Za-z0-9_\-]{6,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){0,2}"  # a JSON Web Token, or its beginning
    r"|\b(?i:bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}"
    r"|(?<=[?&])(?P<query>(?i:signature|token|key|secret|x-amz-[a-z-]+|sig))=[^&\s\"']+"
)
_SECRET_NAMES = re.compile(
    r"(?i)(^|_|-)(password|secret|authorization|cookie|jwt|api_?key|token|signature)$"
)
_SECRET_VARIABLES = re.compile(
    r"(?i)KEY|SECRET|TOKEN|PASSWORD|DATABASE_URL|READER_URL|OWNER_URL|STORAGE_OPTIONS"
)
_SHORTEST = 6
"""Shorter values would blot out ordinary words."""


class Redaction:
    """Redacts secrets, by their form and their values.

    Args:
        values: what is secret, whatever its form.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = sorted({value for value in values if len(value) >= _SHORTEST}, key=len)
        self._known = re.compile("|".join(map(re.escape, reversed(known)))) if known else None

    def text(self, text: str) -> str:
        """A text without secrets."""
        if self._known is not None:
            text = self._known.sub(BLOT, text)
        return _FORMS.sub(_blotted, text)

    def value(self, value: Any) -> Any:
        """The same for strings wherever they stand in lists and mappings; the rest stays."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {
                    name: BLOT if _SECRET_NAMES.search(str(name)) else self.value(each)
                    for name, each in value.items()
                }
            case list() | tuple():
                return [self.value(each) for each in value]
        return value


def secrets_of(settings: Settings) -> list[str]:
    """Everything secret that the settings hold."""
    found = list(settings.storage_options.values())
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            found.append(value.get_secret_value())
    for address in (
        settings.database_url,
        settings.database_reader_url,
        settings.database_owner_url,
    ):
        if address is not None:
            given = address.get_secret_value()
            password = re.match(r"\A[a-z0-9+]++://[^:/@]*+:(?P<password>.+)@", given)
            found += [password["password"]] if password else []
    return found


def process_redaction(environment: Mapping[str, str]) -> Redaction:
    """What this process has to blot out: the secrets of its settings and of its environment."""
    found = [value for name, value in environment.items() if _SECRET_VARIABLES.search(name)]
    with suppress(ConfigurationError):  # the settings themselves may be what is wrong
        found += secrets_of(load_settings())
    return Redaction(found)


def _blotted(found: re.Match[str]) -> str:
    if found["scheme"]:
        return f"{found['scheme']}{BLOT}@"
    return f"{found['query']}={BLOT}" if found["query"] else BLOT
