"""Drives expressions with their attacks and says how their time grows; a program of its own.

``python -m tests.security.driving`` reads expressions as JSON lines (place, pattern, flags) from
standard input; called with ``tree`` it drives every one of the tree, with ``new`` those that
`driven.txt` does not list as found linear before, and tells what of that list is in the tree no
more; ``record`` writes the list. An expression that blows up is interrupted and told, so that one
bad one does not hide the others.
"""

from __future__ import annotations

import hashlib
import json
import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.security.attacks import Attack, attacks
from tests.security.expressions import every

_SHORT = 1_200
_LONGEST = 1 << 18
# An expression that looks at each character a few times costs less than this many times what the
# plainest one does; what costs more is looked at closely.
_SUSPICIOUS = 20
# Four times as long a text takes 4 times as long when the time is linear, and 16 when it is not.
_MOST_GROWTH = 8
_TRIES = 2
_WORTH_MEASURING = 0.03
_STUCK_SECONDS = 0.75
_ALL_SECONDS = 400
_PLAIN = re.compile("(?:b|c)d")
DRIVEN = Path(__file__).with_name("driven.txt")
STALE = "is no expression of the tree"


class Stuck(Exception):
    """An expression did not come to its end."""


@dataclass(frozen=True)
class Verdict:
    """Why an expression is not linear; empty when it is, as far as it was driven."""

    reason: str = ""
    attack: Attack[Any] | None = None

    def __str__(self) -> str:
        return f"{self.reason}, driven with {self.attack}" if self.reason else ""


def judge(expression: re.Pattern[Any]) -> Verdict:
    """Drive an expression with texts made of its own parts."""
    for attack in attacks(expression):
        try:
            if not _is_suspicious(expression, attack):
                continue
            if (growth := _growth(expression, attack)) > _MOST_GROWTH:
                return Verdict(f"takes {growth:.0f} times as long on 4 times the text", attack)
        except Stuck:
            return Verdict("comes to no end", attack)
    return Verdict()


def _is_suspicious(expression: re.Pattern[Any], attack: Attack[Any]) -> bool:
    """Whether an attack costs much, and more than its share where the text is longer."""
    text, enough = attack.of_length(_SHORT), _SUSPICIOUS * _plain_seconds()
    # Noise makes a measurement longer, never shorter: what is quick once is quick.
    if (first := _cost(expression, text, time.perf_counter)) < enough:
        return False
    short = min(first, _cost(expression, text, time.perf_counter))
    if short < enough:
        return False
    longer = attack.of_length(4 * _SHORT)
    most = _MOST_GROWTH * short
    return all(_cost(expression, longer, time.perf_counter) > most for _ in range(2))


def _plain_seconds(known: list[float] = []) -> float:  # noqa: B006  # measured once
    """What the plainest search takes on this machine."""
    if not known:
        text = "a" * _SHORT
        known.append(min(_cost(_PLAIN, text, time.perf_counter) for _ in range(20)))
    return known[0]


def _growth(expression: re.Pattern[Any], attack: Attack[Any]) -> float:
    """How many times as long 4n characters take as n do: the least of several tries."""
    size = _SHORT
    while size < _LONGEST and _seconds(expression, attack, size) < _WORTH_MEASURING:
        size *= 2
    found = []
    for _ in range(_TRIES):
        once, twice, four = (_seconds(expression, attack, size * times) for times in (1, 2, 4))
        # what is quadratic is so at each step
        found.append(min(four / once, (four / twice) ** 2, (twice / once) ** 2))
        if found[-1] <= _MOST_GROWTH:
            break
    return min(found)


def _seconds(expression: re.Pattern[Any], attack: Attack[Any], size: int) -> float:
    return max(_cost(expression, attack.of_length(size), time.process_time), 1e-6)


def _cost(expression: re.Pattern[Any], text: Any, clock: Callable[[], float]) -> float:
    """Seconds for finding every match, as `search` and `sub` do, and for matching the whole."""
    signal.setitimer(signal.ITIMER_VIRTUAL, _STUCK_SECONDS)
    try:
        started = clock()
        for _ in expression.finditer(text):
            pass
        expression.fullmatch(text)
        return clock() - started
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _interrupt(*_: object) -> None:
    raise Stuck


def _given() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for line in sys.stdin:
        place, pattern, flags = json.loads(line)
        yield place, re.compile(pattern, flags)


def digest(expression: re.Pattern[Any]) -> str:
    """What stands for an expression in the list: the same for the same pattern and flags."""
    kind = type(expression.pattern).__name__
    said = f"{kind} {expression.flags} {expression.pattern!r}"
    return hashlib.sha256(said.encode()).hexdigest()[:24]


def driven_before() -> set[str]:
    """The digests of the expressions that were found to take linear time."""
    return set(DRIVEN.read_text("ascii").split())


def _of_the_tree(which: str) -> Iterator[tuple[str, re.Pattern[Any]]]:
    known = driven_before() if which == "new" else set()
    found = every()
    for each in known - {digest(expression) for expression in found.values()}:
        _tell(place=each, wrong=STALE)
    for place, expression in found.items():
        if digest(expression) in known:
            _tell(place=place, wrong="")
        else:
            yield place, expression


def _record() -> None:
    """List every expression of the tree that takes linear time."""
    linear = {digest(each) for each in every().values() if not str(judge(each))}
    DRIVEN.write_text("".join(f"{each}\n" for each in sorted(linear)), "ascii")


def main() -> None:
    """Print a line of JSON for each expression: its place, and what is wrong with it."""
    resource.setrlimit(resource.RLIMIT_CPU, (_ALL_SECONDS, _ALL_SECONDS))
    signal.signal(signal.SIGVTALRM, _interrupt)
    which = sys.argv[1] if len(sys.argv) > 1 else "given"
    if which == "record":
        _record()
        return
    for place, expression in _given() if which == "given" else _of_the_tree(which):
        _tell(begun=place)
        _tell(place=place, wrong=str(judge(expression)))


def _tell(**line: str) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
