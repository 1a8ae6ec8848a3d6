"""Leaves out of a lock what requirements.lock has: for packages that stand beside ours.

`uv pip compile … | python -m tests.lock_difference`, as `make lock` does for
`tests/worker-packages.lock` and `tests/retrievers.lock`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_OURS = Path(__file__).parents[1] / "requirements.lock"
_PIN = re.compile(r"^([a-z0-9][\w.-]*==[^\s;]+)", re.MULTILINE)


def difference(lock: str, other: str) -> str:
    """The packages of a lock that the other does not have in this version, with their hashes."""
    there = set(_PIN.findall(other))
    packages = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    return "".join(each for each in packages if (pin := _PIN.match(each)) and pin[1] not in there)


if __name__ == "__main__":
    sys.stdout.write(difference(sys.stdin.read(), _OURS.read_text("utf-8")))
