"""Says who could have made a difference, as far as Prefect and Postgres keep that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

NOBODY_CAN_TELL = "Nobody can tell."
_KEEPS_NO_USERS = "Prefect's server keeps no names: whoever has its password"


def of_prefect_object(found: Mapping[str, Any]) -> str:
    """Who changed an object of Prefect's server, by what it keeps of it."""
    by = found.get("updated_by") or found.get("created_by")
    when = _when(found)
    if by:
        named = by.get("display_value") or by.get("id")
        return f"{str(by.get('type') or 'somebody').capitalize()} {named}{when}."
    return f"{_KEEPS_NO_USERS}{when}."


def of_missing_object(kind: str) -> str:
    """Who removed something from Prefect's server."""
    return f"{_KEEPS_NO_USERS}; or the {kind} was never made there."


def _when(found: Mapping[str, Any]) -> str:
    made, changed = _moment(found.get("created")), _moment(found.get("updated"))
    if changed and changed != made:
        return f"; last changed {changed}"
    return f"; made {made}" if made else ""


def _moment(given: object) -> str:
    if not isinstance(given, str):
        return ""
    at = datetime.fromisoformat(given)
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def of_database_object(owner: str | None) -> str:
    """Who changed something in the database: Postgres keeps neither names nor times."""
    if owner is None:
        return f"{NOBODY_CAN_TELL} Postgres keeps neither who nor when."
    return f"The login {owner}, who owns it, or a superuser; Postgres keeps neither who nor when."
