"""A rule for a chunk's role; `heading_rules` and `wording_rules` are the rules."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.chunk_roles import Role


class Rule(NamedTuple):
    """A rule for one role.

    Attributes:
        name: what it notices, for a person.
        weight: of each of its phrases.
        text: its phrases, parted by commas. They are matched as whole words, in any case; ``*``
            stands for the rest of a word.
    """

    name: str
    role: Role
    weight: int
    text: str

    @property
    def phrases(self) -> list[str]:
        """Its phrases, one by one."""
        return phrases_in(self.text)


def phrases_in(text: str) -> list[str]:
    """Phrases that are parted by commas."""
    return [phrase.strip() for phrase in text.split(",") if phrase.strip()]
