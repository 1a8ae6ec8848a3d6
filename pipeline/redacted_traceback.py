"""Where an error was raised, without its words."""

from __future__ import annotations

import traceback
from pathlib import Path


def place(error: BaseException) -> str:
    """The innermost frame, as ``file.py:line``."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"


def way(error: BaseException, most: int = 12) -> list[str]:
    """The last frames on the way there, outermost first."""
    frames = traceback.extract_tb(error.__traceback__)[-most:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
