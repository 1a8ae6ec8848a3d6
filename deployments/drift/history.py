"""Reads from Prefect's events when objects of an environment were changed; they name nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from prefect.client.orchestration import PrefectClient
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.schemas.events import Event
from prefect.exceptions import PrefectHTTPStatusError

_KINDS = ("deployment", "work-pool", "work-queue")
_MOST = 50
"""The server gives no more at once; they are the newest."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an object.

    Attributes:
        kind: deployment, work-pool or work-queue.
        fields: as Prefect's API calls them; none when the object was made or deleted.
    """

    kind: str
    name: str
    what: str
    at: datetime
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class History:
    """The changes that the server remembers, the newest first."""

    changes: Sequence[Change] = ()

    def changed(self, kind: str, name: str, field: str) -> datetime | None:
        """When a field was last changed."""
        return next(
            (
                each.at
                for each in self.changes
                if (each.kind, each.name) == (kind, name) and field in each.fields
            ),
            None,
        )

    def deleted(self, kind: str, name: str) -> datetime | None:
        """When an object was last deleted."""
        return next(
            (
                each.at
                for each in self.changes
                if (each.kind, each.name, each.what) == (kind, name, "deleted")
            ),
            None,
        )


NO_HISTORY = History()
"""Of a server that remembers nothing."""


async def read_history(client: PrefectClient) -> History:
    """What the server remembers; nothing when it keeps no events."""
    names = [f"prefect.{kind}.{what}" for kind in _KINDS for what in ("updated", "deleted")]
    wanted = EventFilter(event=EventNameFilter(name=names))
    try:
        page = await client.read_events(wanted, limit=_MOST)
    except PrefectHTTPStatusError:
        return NO_HISTORY
    return History([_change(each) for each in page.events])


def _change(event: Event) -> Change:
    _, kind, what = event.event.split(".")
    fields = frozenset(str(each) for each in event.payload.get("updated_fields") or ())
    name = event.resource.root.get("prefect.resource.name", "")
    return Change(kind, name, what, event.occurred, fields)
