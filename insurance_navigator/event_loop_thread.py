"""An event loop in a thread of its own, so that blocking calls work where a loop runs already."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class EventLoopThread:
    """A daemon thread that runs an event loop until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="insurance-navigator", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine in the thread and wait for it.

        Raises:
            KeyboardInterrupt: a person stopped it; it was cancelled, and has ended.
        """
        task = asyncio.run_coroutine_threadsafe(_begun(work), self._loop).result()
        ended = asyncio.run_coroutine_threadsafe(_end_of(task), self._loop)
        try:
            ended.result()
        except BaseException:
            self._loop.call_soon_threadsafe(task.cancel)
            ended.result()
            raise
        return task.result()

    def close(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


async def _begun(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    return asyncio.create_task(work)


async def _end_of(task: asyncio.Task[Any]) -> None:
    """Wait for a task, however it ends."""
    await asyncio.wait([task])
