"""Knows the spellings of codes: a form's, a procedure's, a clause's number is one lexeme.

``HO-3``, ``HO 3`` and ``HO3`` are ``ho3``; ``CG 00 01 04 13`` is ``cg0001`` with its edition or
without; ``12(a)`` is ``12a``; ``401(k)`` and ``401k`` are the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MOST_PARTS, _MOST_CHARACTERS = 6, 40
_LEAST_NUMBERS = 3


def glued(parts: list[str], *, numbers: bool) -> str | None:
    """A code as one word; None when these parts are no code.

    Args:
        numbers: several numbers alone may be one too, as that of a telephone.
    """
    code = "".join(parts)
    if not 1 < len(parts) <= _MOST_PARTS or len(code) > _MOST_CHARACTERS:
        return None
    digits = sum(part.isdigit() for part in parts)
    if digits == len(parts):
        return code if numbers and digits >= _LEAST_NUMBERS else None
    return code if any(each.isdigit() for each in code) else None


# What begins with a class of characters is looked for quickly; that nothing stands before it is
# asked afterwards.
_SPACED = re.compile(r"[A-Z](?<![^\W_].)[A-Z]{0,3}(?:[ -][0-9]{1,6}(?![^\W_]|[.,'][0-9])){1,5}+")
_SPACED_AS_TYPED = re.compile(_SPACED.pattern, re.IGNORECASE | re.ASCII)


def spaced(text: str, *, as_typed: bool = False) -> Iterator[str]:
    """The codes that are written with spaces, each from its first group of digits on.

    ``CG 00 01 04 13`` gives ``cg00``, ``cg0001``, ``cg000104`` and ``cg00010413``.

    Args:
        as_typed: also in small letters, as people type a question.
    """
    for found in (_SPACED_AS_TYPED if as_typed else _SPACED).finditer(text):
        name, *numbers = re.split("[ -]", found[0].lower())
        # one without spaces is a word by itself
        most = len(numbers) + (" " in found[0])
        for count in range(1, most):
            yield name + "".join(numbers[:count])
