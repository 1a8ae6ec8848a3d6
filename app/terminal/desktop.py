"""Detects a person's desktop, and opens a page on it."""

from __future__ import annotations

import os
import sys


def has_desktop() -> bool:
    """Whether a browser window can be opened for the person."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def show(address: str) -> bool:
    """Open a page in the person's browser; whether one was there."""
    import webbrowser

    try:
        return webbrowser.open(address)
    except webbrowser.Error:
        return False
