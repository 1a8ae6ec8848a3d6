"""Runs a command of ours and writes down the walk of its document: what was called by what.

As a program: ``python -m tests.walking RECORD COMMAND ARGUMENT…``.
"""

from __future__ import annotations

import atexit
import json
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType

from tests.rooms import ROOMS, ROOT


class Walk:
    """The functions that were called, by their first call, and the calls between rooms."""

    def __init__(self) -> None:
        self.functions: dict[str, None] = {}
        self.steps: dict[str, None] = {}
        self._known: dict[CodeType, str | None] = {}

    def note(self, frame: FrameType, event: str, argument: object) -> None:
        """For `sys.settrace`: returns nothing, so that lines are not traced."""
        if (module := self._module(frame.f_code)) is None:
            return
        name = f"{module}:{frame.f_code.co_name}"
        if name not in self.functions and not _imports(frame):
            self.functions[name] = None
        caller = self._module(frame.f_back.f_code) if frame.f_back is not None else None
        if caller is not None and caller.partition("/")[0] != module.partition("/")[0]:
            self.steps.setdefault(f"{caller} → {module}")

    def write(self, record: Path) -> None:
        """Stop noting, and write what was noted."""
        sys.settrace(None)
        told = {"functions": list(self.functions), "steps": list(self.steps)}
        record.write_text(json.dumps(told), "utf-8")

    def _module(self, code: CodeType) -> str | None:
        if code not in self._known:
            self._known[code] = self._named(code)
        return self._known[code]

    def _named(self, code: CodeType) -> str | None:
        if code.co_name.startswith("<"):  # an import, or an expression that others evaluate
            return None
        try:
            path = Path(code.co_filename).relative_to(ROOT)
        except ValueError:
            return None
        return str(path) if path.parts[0] in ROOMS else None


def _imports(frame: FrameType | None) -> bool:
    """Whether this happens while a module is imported, and to no document."""
    while frame is not None and frame.f_globals.get("__name__") != "__main__":
        if frame.f_code.co_name == "<module>":
            return True
        frame = frame.f_back
    return False


def main(record: str, *arguments: str) -> None:
    """Run a command, and write its walk down as the process ends."""
    from app.cli.main import main as command

    walk = Walk()
    atexit.register(walk.write, Path(record))
    sys.argv = ["navigator", *arguments]
    threading.settrace(walk.note)
    sys.settrace(walk.note)
    command()


if __name__ == "__main__":
    main(*sys.argv[1:])
