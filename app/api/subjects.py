"""Maps a token's subject to a user id, namespaced by issuer, so that no two can collide.

A subject is a name that its issuer gave, so the issuer is part of the user's id. Tokens of our own
secret that name no issuer, or the command line, speak of the command line's names. That a subject
*is* a user's id holds only where a setting says so: else whoever may choose a name could choose
another user's id for it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from app.api.problems import Unauthenticated
from pipeline.errors import UsageError
from pipeline.identity import named_user, subject_user
from pipeline.settings import Settings

LOCAL_ISSUER = "insurance-navigator"
"""The issuer of `navigator token`."""

_LONGEST = 255
"""OpenID Connect allows no longer subject."""


def user_of(claims: Mapping[str, Any], settings: Settings) -> tuple[UUID, str]:
    """The user that a checked token speaks for, and the name that the token has for them.

    A subject is compared as it stands. One that a person cannot tell from another, by blanks at its
    ends or by how its letters are composed, is refused: it would be a second user or somebody else.

    Raises:
        Unauthenticated: the subject or the issuer is none.
    """
    subject, issuer = claims.get("sub"), claims.get("iss", "")
    if not isinstance(subject, str) or not isinstance(issuer, str):
        raise Unauthenticated("The token names no user.")
    if not _is_name(subject) or not (issuer == "" or _is_name(issuer)):
        raise Unauthenticated("The token names no user.")
    if _is_local(issuer, settings):
        return _id_itself(subject, settings) or named_user(subject), subject
    if issuer == settings.jwt_issuer and (found := _id_itself(subject, settings)):
        return found, subject
    return subject_user(issuer, subject), subject


def require_name(user: str, settings: Settings) -> None:
    """Make sure that a token for this user speaks for whom the person means.

    Raises:
        UsageError: it is a user's id, which a token's subject is not.
    """
    with suppress(ValueError):
        UUID(user)
        if not settings.jwt_subject_ids:
            raise UsageError(
                "A token is for a name: an id in it would be a name like any other.",
                remedy="Give the name, or let ids be subjects with NAVIGATOR_JWT_SUBJECT_IDS=true;"
                " an operator's token (--service) sees everybody.",
            )


def _is_local(issuer: str, settings: Settings) -> bool:
    if settings.jwt_local_issuer is not None and issuer == settings.jwt_local_issuer:
        return True
    return settings.jwks is None and issuer in ("", LOCAL_ISSUER)


def _id_itself(subject: str, settings: Settings) -> UUID | None:
    if not settings.jwt_subject_ids:
        return None
    try:
        found = UUID(subject)
    except ValueError:
        return None
    return found if str(found) == subject.lower() else None


def _is_name(value: str) -> bool:
    """Whether a claim is text that means one name: no blank ends, no control or lone characters."""
    if not 0 < len(value) <= _LONGEST:
        return False
    if value != value.strip() or not unicodedata.is_normalized("NFC", value):
        return False
    return not any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in value)
