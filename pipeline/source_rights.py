"""Maps objects of a source to users by rules: where an object lies, or what it is labeled with.

A rule is one of:

- ``PATTERN=USER``: what matches a gitignore pattern is this user's;
- ``clients/{user}/``: a part of the place is the name of the user;
- ``tag:LABEL``: the value of this label of the object is the name of the user.

``{user_id}`` in the place of ``{user}``, and ``tag-id:LABEL``, take an id instead of a name. The
first rule that says something decides; what none says anything about is nobody's, and is not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pathspec import GitIgnoreSpec

from pipeline.errors import UsageError
from pipeline.identity import OPERATOR, named_user, user_id

MOST_RULES = 1_000
_MOST_NAME = 200
_PLACES = ("{user}", "{user_id}")
_LABELS = {"tag:": False, "tag-id:": True}
_LABEL = re.compile(r"[A-Za-z0-9_.-]{1,128}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; exactly one of pattern, place and label is given.

    Attributes:
        user: whose what matches the pattern is.
        place: the parts of a place, one of them ``{user}`` or ``{user_id}``.
        by_id: the label holds an id.
    """

    pattern: GitIgnoreSpec | None = None
    user: UUID | None = None
    place: tuple[str, ...] = ()
    label: str = ""
    by_id: bool = False

    def user_of(self, key: str, labels: Mapping[str, str]) -> UUID | None:
        """Whose an object is by this rule; None when it says nothing."""
        if self.pattern is not None:
            return self.user if self.pattern.match_file(key) else None
        if self.label:
            return _named(labels.get(self.label, ""), by_id=self.by_id)
        parts = key.split("/")
        if len(parts) <= len(self.place):
            return None
        found = None
        for wanted, part in zip(self.place, parts, strict=False):
            if wanted in _PLACES:
                found = _named(part, by_id=wanted == "{user_id}")
            elif wanted != part:
                return None
        return found


@dataclass(frozen=True, slots=True)
class Rights:
    """Whose the objects of a source are.

    Attributes:
        owner: whose all of them are when there is no rule.
    """

    owner: UUID | None
    rules: tuple[Rule, ...] = ()

    @property
    def needs_labels(self) -> bool:
        """Whether an object's labels have to be read."""
        return any(rule.label for rule in self.rules)

    def user_of(self, key: str, labels: Mapping[str, str]) -> UUID | None:
        """Whose an object is; None: nobody's."""
        if not self.rules:
            return self.owner
        said = (rule.user_of(key, labels) for rule in self.rules)
        return next((user for user in said if user is not None), None)


def rights_of(rules: Sequence[str], owner: UUID | None) -> Rights:
    """The rights that rules give.

    Raises:
        UsageError: one of them is none.
    """
    if len(rules) > MOST_RULES:
        raise UsageError(f"A source has at most {MOST_RULES:,} rules.", remedy="Use {user}.")
    return Rights(owner, tuple(map(_rule, rules)))


def _rule(written: str) -> Rule:
    for beginning, by_id in _LABELS.items():
        if written.startswith(beginning):
            label = written.removeprefix(beginning).lower()
            if not _LABEL.fullmatch(label):
                raise _unusable(written)
            return Rule(label=label, by_id=by_id)
    pattern, equals, user = written.rpartition("=")
    if equals:
        if not pattern or not user.strip() or any(place in pattern for place in _PLACES):
            raise _unusable(written)
        return Rule(pattern=GitIgnoreSpec.from_lines([pattern]), user=user_id(user))
    place = tuple(written.removesuffix("**").strip("/").split("/"))
    if sum(part in _PLACES for part in place) != 1 or any("*" in part for part in place):
        raise _unusable(written)
    return Rule(place=place)


def _named(value: str, *, by_id: bool) -> UUID | None:
    """The user of a name or an id that an object has; None when it can be none."""
    if not value.strip() or len(value) > _MOST_NAME or not value.isprintable():
        return None
    if not by_id:
        return named_user(value)
    try:
        found = UUID(value)
    except ValueError:
        return None
    return None if found == OPERATOR else found


def _unusable(written: str) -> UsageError:
    return UsageError(
        f"The rule {written[:80]!r} cannot be used.",
        remedy="Write PATTERN=USER, clients/{user}/ or tag:LABEL.",
    )
