"""Stops a running mock server: how it hears that it shall end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading


async def until_asked_to_stop(*, with_stdin: bool = False) -> None:
    """Return at SIGINT or SIGTERM, or, when asked, at the end of standard input."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopping.set)
    if with_stdin:

        def watch() -> None:
            # Not sys.stdin: a thread holding its lock breaks the interpreter's end on a signal.
            while os.read(0, 1024):
                pass
            with contextlib.suppress(RuntimeError):  # the loop may have ended by a signal
                loop.call_soon_threadsafe(stopping.set)

        # A thread, because not every standard input can be polled (/dev/null cannot).
        threading.Thread(target=watch, daemon=True).start()
    await stopping.wait()
