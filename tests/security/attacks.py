"""Makes the texts that an expression is slowest on, out of its own parsed structure.

A backtracking engine is slow where a text can be read in several ways, or from many starts, and
then does not match. So an attack is a *lead* that reaches a repetition, a *pump* that is repeated
(one character, one turn of a repetition, a prefix of an alternative), and a *tail* that fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from re import _compiler, _constants, _parser  # type: ignore[attr-defined]  # isort: skip

Text = TypeVar("Text", str, bytes)
Node = tuple[Any, Any]

_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
_LOOKS = (_constants.ASSERT, _constants.ASSERT_NOT)
_SINGLE = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
_USUAL = (
    "aAzZmxiIeEsSdDhH019_ \t\n\r\x0b-.,;:!?/\\|*+#<>()[]{}'\"`~@$%^&=\x01é€\u0301\u2019\u4e2d\ue000"
)
_MOST_SPELLINGS = 24
_MOST_TURNS = 12
_LONGEST = 60
_MOST_ATTACKS = 300


@dataclass(frozen=True)
class Attack(Generic[Text]):
    """A text of any length: the lead, the pump as often as it takes, the tail."""

    lead: Text
    pump: Text
    tail: Text

    def of_length(self, characters: int) -> Text:
        """The text, with a pump of about so many characters together."""
        return self.lead + self.pump * max(1, characters // len(self.pump)) + self.tail


def attacks(expression: re.Pattern[Text]) -> list[Attack[Text]]:
    """The texts to drive an expression with."""
    made = _Spelling(expression)

    def as_text(text: str) -> Any:
        return text.encode("latin-1") if made.is_bytes else text

    found = [
        Attack(as_text(lead), as_text(pump), as_text(tail))
        for lead, pump in dict.fromkeys(made.pumps())
        for tail in made.tails
        if pump
    ]
    return found[:: len(found) // _MOST_ATTACKS + 1]


class _Spelling:
    """Texts that parts of an expression match, over the few characters that it tells apart."""

    def __init__(self, expression: re.Pattern[Any]) -> None:
        self.is_bytes = isinstance(expression.pattern, bytes)
        self._flags = expression.flags
        self._tree = _parser.parse(expression.pattern, expression.flags)
        self._groups: dict[int, str] = {}
        self._members: dict[str, list[str]] = {}
        self._alphabet = self._told_apart()
        self.tails = self._failing()

    def pumps(self) -> Iterator[tuple[str, str]]:
        """Pairs of a lead and a pump."""
        yield from (("", character) for character in self._alphabet)
        for lead, body in self._repeated(list(self._tree), ""):
            turns = self._spell(body)[:_MOST_TURNS]
            yield from ((lead, turn) for turn in turns)
            yield from (("", lead + turn) for turn in turns[:3])
        for whole in self._wholes():
            yield from (("", whole[:end]) for end in range(1, min(len(whole), _LONGEST) + 1))

    def _wholes(self) -> Iterator[str]:
        """Spellings of the whole expression and of each of its alternatives."""
        yield from self._spell(list(self._tree))[:_MOST_TURNS]
        for alternatives in self._branches(list(self._tree)):
            for alternative in alternatives:
                yield from self._spell(list(alternative))[:2]

    def _told_apart(self) -> list[str]:
        """One character of each kind that the expression's sets tell apart."""
        singles = {repr(node): node for node in self._singles(list(self._tree))}
        usual = _USUAL + "".join(_named(list(singles.values())))
        candidates = [c for c in dict.fromkeys(usual) if not self.is_bytes or ord(c) < 256]
        kinds: dict[tuple[bool, ...], str] = {}
        tests = {key: self._test(node) for key, node in singles.items()}
        for character in candidates:
            kind = [tests[key](character) for key in singles]
            # borders of words, and of lines, are told by what no set may name
            kind += [character.isalnum() or character == "_", character == "\n"]
            kinds.setdefault(tuple(kind), character)
        self._kinds = kinds
        for number, key in enumerate(singles):
            self._members[key] = [c for kind, c in kinds.items() if kind[number]]
        return [character for kind, character in kinds.items() if any(kind[: len(singles)])]

    def _failing(self) -> list[str]:
        """No tail, and the characters that fewest parts of the expression match."""
        rare = sorted(self._kinds.items(), key=lambda each: sum(each[0]))
        return ["", *(character for _, character in rare[:2])]

    def _test(self, node: Node) -> Any:
        one = _parser.SubPattern(self._tree.state, [node])
        compiled = _compiler.compile(one, self._flags & ~re.VERBOSE)
        if self.is_bytes:
            return lambda c: compiled.fullmatch(c.encode("latin-1")) is not None
        return lambda c: compiled.fullmatch(c) is not None

    def _singles(self, nodes: Sequence[Node]) -> Iterator[Node]:
        for node in nodes:
            if node[0] in _SINGLE:
                yield node
            for part in _parts(node):
                yield from self._singles(list(part))

    def _branches(self, nodes: Sequence[Node]) -> Iterator[list[Any]]:
        for node in nodes:
            if node[0] is _constants.BRANCH:
                yield node[1][1]
            for part in _parts(node):
                yield from self._branches(list(part))

    def _repeated(self, nodes: Sequence[Node], lead: str) -> Iterator[tuple[str, list[Node]]]:
        """Each repetition's body, with a text that leads up to it."""
        for node in nodes:
            if node[0] in _REPEATS and node[1][1] > 1:
                yield lead, list(node[1][2])
            for part in _parts(node):
                yield from self._repeated(list(part), lead)
            lead += self._spell([node])[0]

    def _spell(self, nodes: Sequence[Node]) -> list[str]:
        """Spellings of a sequence: each part varied while the others stay as they are."""
        parts = [self._spell_one(node) for node in nodes]
        usual = [part[0] for part in parts]
        found = ["".join(usual)]
        for number, part in enumerate(parts):
            before, after = "".join(usual[:number]), "".join(usual[number + 1 :])
            found += [before + other + after for other in part[1:]]
        return list(dict.fromkeys(found))[:_MOST_SPELLINGS]

    def _spell_one(self, node: Node) -> list[str]:
        kind, value = node
        if kind in _SINGLE:
            return self._members[repr(node)] or [""]
        if kind is _constants.SUBPATTERN:
            found = self._spell(list(value[3]))
            self._groups[value[0]] = found[0]
            return found
        if kind is _constants.ATOMIC_GROUP:
            return self._spell(list(value))
        if kind is _constants.BRANCH:
            spelled = [self._spell(list(alternative)) for alternative in value[1]]
            return [each[0] for each in spelled] + [o for each in spelled for o in each[1:4]]
        if kind in _REPEATS:
            least, _, body = value
            turns = self._spell(list(body))
            again = [turn * min(max(least, 1), 100) for turn in turns]
            return [*again[:1], *([""] if least == 0 else []), *again[1:]]
        if kind is _constants.GROUPREF:
            return [self._groups.get(value, "")]
        return [""]


def _parts(node: Node) -> list[Any]:
    kind, value = node
    if kind is _constants.BRANCH:
        return list(value[1])
    if kind in _REPEATS:
        return [value[2]]
    if kind is _constants.SUBPATTERN:
        return [value[3]]
    if kind is _constants.ATOMIC_GROUP:
        return [value]
    if kind in _LOOKS:
        return [value[1]]
    if kind is _constants.GROUPREF_EXISTS:
        return [part for part in value[1:] if part is not None]
    return []


def _named(singles: Sequence[Node]) -> Iterator[str]:
    """The characters that an expression names, and the ends of its ranges."""
    for kind, value in singles:
        for inner, named in value if kind is _constants.IN else [(kind, value)]:
            if inner in (_constants.LITERAL, _constants.NOT_LITERAL):
                yield chr(named)
            elif inner is _constants.RANGE:
                yield from (chr(named[0]), chr(named[1]))
