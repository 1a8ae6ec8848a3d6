"""`Navigator`: the methods of `AsyncNavigator` as blocking calls."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from insurance_navigator.async_navigator import AsyncNavigator
from insurance_navigator.event_loop_thread import EventLoopThread

P = ParamSpec("P")
Result = TypeVar("Result")


def blocking(
    method: Callable[Concatenate[AsyncNavigator, P], Coroutine[Any, Any, Result]],
) -> Callable[Concatenate[Navigator, P], Result]:
    """The method of `AsyncNavigator` as one that waits: same arguments, same documentation."""

    @wraps(method)
    def call(navigator: Navigator, /, *args: P.args, **kwargs: P.kwargs) -> Result:
        return navigator._run(method(navigator._navigator, *args, **kwargs))

    return call


class Navigator:
    """A corpus of documents, for programs that block: scripts and notebooks.

    Its methods are those of `AsyncNavigator`, run on an event loop in a thread of their own, so
    they also work where a loop runs already. Use it in a `with` block, or call `close`.

    Args:
        settings: by name of a field of `pipeline.settings.Settings`; what is not given comes from
            the environment and the settings file, and else is the embedded default.

    Raises:
        ConfigurationError: a setting is unknown or wrong.
    """

    def __init__(self, **settings: object) -> None:
        self._navigator = AsyncNavigator(**settings)
        self._thread: EventLoopThread | None = None

    ingest = blocking(AsyncNavigator.ingest)
    plan = blocking(AsyncNavigator.plan)
    search = blocking(AsyncNavigator.search)
    status = blocking(AsyncNavigator.status)
    documents = blocking(AsyncNavigator.documents)
    delete = blocking(AsyncNavigator.delete)

    def close(self) -> None:
        """Let go of the database; a second time does nothing."""
        if self._thread is not None:
            self._thread.run(self._navigator.close())
            self._thread.close()
            self._thread = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        if self._thread is None:
            self._thread = EventLoopThread()
        return self._thread.run(work)
