"""Says who could have made a difference, as far as Prefect and Postgres keep that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deployments.drift.history import NO_HISTORY, History

NOBODY_CAN_TELL = "Nobody can tell."
_KEEPS_NO_NAMES = "Whoever has the password of Prefect's server, which keeps no names"


def of_prefect_object(
    found: Mapping[str, Any], history: History = NO_HISTORY, kind: str = "", field: str = ""
) -> str:
    """Who changed an object of Prefect's server, or a field of it, and when.

    Args:
        kind: as of `history.Change`.
        field: as Prefect's API calls it.
    """
    if by := found.get("updated_by") or found.get("created_by"):
        named = by.get("display_value") or by.get("id")
        return f"{str(by.get('type') or 'somebody').capitalize()} {named}{_last(found)}."
    if field and (at := history.changed(kind, str(found.get("name")), field)):
        return f"{_KEEPS_NO_NAMES}; changed {_moment(at)}."
    return f"{_KEEPS_NO_NAMES}{_last(found)}."


def of_missing_object(kind: str, name: str = "", history: History = NO_HISTORY) -> str:
    """Who removed something from Prefect's server."""
    if at := history.deleted(kind, name):
        return f"{_KEEPS_NO_NAMES}; deleted {_moment(at)}."
    return f"{_KEEPS_NO_NAMES}; or the {kind.replace('-', ' ')} was never made there."


def _last(found: Mapping[str, Any]) -> str:
    made, changed = _read(found.get("created")), _read(found.get("updated"))
    if changed and changed != made:
        return f"; the object was last changed {_moment(changed)}"
    return f"; made {_moment(made)}" if made else ""


def _read(given: object) -> datetime | None:
    return datetime.fromisoformat(given) if isinstance(given, str) else None


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def of_database_object(owner: str | None) -> str:
    """Who changed something in the database: Postgres keeps neither names nor times."""
    if owner is None:
        return f"{NOBODY_CAN_TELL} Postgres keeps neither who nor when."
    return f"The login {owner}, who owns it, or a superuser; Postgres keeps neither who nor when."
