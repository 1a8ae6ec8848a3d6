"""Defines sources that an operator added: where one is, whose its documents are, when it is read.

Nothing here is a secret: `credentials` says where one is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pipeline.errors import UsageError
from pipeline.source_address import SourceAddress
from pipeline.source_rights import Rights, rights_of

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_EVERY = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LEAST_SECONDS = 60
_SECRET = re.compile(r"secret|password|token|sas|account_key|access_key|private|credential")
_UNSAFE = frozenset({"allow_http", "allow_invalid_certificates"})


@dataclass(frozen=True, slots=True)
class SourceDefinition:
    """A source. One that a person names by its URL alone has no id and no name.

    Attributes:
        user_id: whose its documents are when there are no rules.
        rights: rules that map objects to users; see `pipeline.source_rights`.
        exclude: gitignore patterns of what is not taken.
        options: of the plug-in that reads it, such as endpoint and region; no secrets.
        credentials: a reference; see `pipeline.secret_references`.
        sync: delete documents whose objects are gone.
    """

    url: str
    user_id: UUID | None
    id: UUID | None = None
    name: str = ""
    rights: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    credentials: str | None = None
    sync: bool = True
    interval_seconds: int | None = None
    cron: str | None = None
    paused_at: datetime | None = None
    last: LastReading | None = None

    @property
    def address(self) -> SourceAddress:
        """Where it is."""
        return SourceAddress.of(self.url)

    def as_json(self) -> dict[str, Any]:
        """The source for a program; nothing of it is a secret."""
        last = self.last
        return {
            "name": self.name,
            "url": self.url,
            "user_id": self.user_id,
            "rights": list(self.rights),
            "tags": list(self.tags),
            "exclude": list(self.exclude),
            "options": self.options,
            "credentials": self.credentials,
            "sync": self.sync,
            "schedule": self.schedule,
            "paused": self.paused_at is not None,
            "last_run_id": last and last.run_id,
            "last_run_at": last and last.at,
            "counts": last.counts if last else {},
            "trouble": last and last.trouble,
        }

    @property
    def schedule(self) -> str:
        """When it is read, in words."""
        if self.paused_at is not None:
            return "paused"
        if self.cron is not None:
            return f"at {self.cron} UTC"
        if self.interval_seconds is None:
            return "by hand"
        unit = next(e for e in reversed(_SECONDS) if self.interval_seconds % _SECONDS[e] == 0)
        return f"every {self.interval_seconds // _SECONDS[unit]}{unit}"

    @property
    def mapped(self) -> Rights:
        """Whose its objects are."""
        return rights_of(self.rights, self.user_id)


@dataclass(frozen=True, slots=True)
class LastReading:
    """What came of the last run of a source.

    Attributes:
        counts: objects by what became of them; see `stages.source_reading`.
        trouble: why it failed, in a sentence.
    """

    run_id: UUID
    at: datetime
    counts: dict[str, Any]
    trouble: str | None = None


def require_name(name: str) -> str:
    """The name of a source: it stands in Prefect, in URLs and in commands.

    Raises:
        UsageError: it cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            "A source's name has lower-case letters, digits and dashes, 63 at most.",
            remedy="Choose another, such as claims-2026.",
        )
    return name


def seconds_of(every: str) -> int:
    """``15m`` in seconds.

    Raises:
        UsageError: it is no such time, or less than a minute.
    """
    found = _EVERY.fullmatch(every)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if seconds < LEAST_SECONDS:
        raise UsageError(
            f"{every[:20]!r} is no time between two runs, or is under a minute.",
            remedy="Write it as 15m, 1h or 1d.",
        )
    return seconds


def require_options(options: dict[str, str]) -> dict[str, str]:
    """Options that may be kept: no secret is among them, and none takes the protection away.

    Raises:
        UsageError: one is a secret, or switches TLS off.
    """
    for name in options:
        if _SECRET.search(name.lower()):
            raise UsageError(
                f"The option {name!r} is a secret, which is not kept.",
                remedy="Put it into the JSON that --credentials names.",
            )
        if name.lower() in _UNSAFE:
            raise UsageError(
                f"The option {name!r} would switch TLS off.",
                remedy="An endpoint on this machine needs no option; any other has to speak TLS.",
            )
    return {name.lower(): value for name, value in options.items()}
