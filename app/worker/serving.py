"""Serves a work pool (`navigator worker`): loads everything once, polls until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from app.process.log_output import configure_logs
from app.process.tracing import configure_tracing
from app.process.working_folder import leave_folder
from app.terminal.console import say
from pipeline.errors import NavigatorError, ServiceUnavailable
from pipeline.logs import logger
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.worker.warm_worker import WarmWorker
    from stages.services import Services

_LOG = logger("navigator.process")
EXIT_SECONDS = 10.0
"""What Prefect's threads get for their last logs; they wait forever for a server that has gone."""
STOP_SECONDS = 40.0
"""From a request to stop to the end, also when a server that has gone is not told of the runs."""
NICENESS = 10
_DEFAULTS = {
    # Twice this may pass between a request and its start.
    "PREFECT_WORKER_QUERY_SECONDS": "0.5",
    # Off by default in Prefect, whose process workers leave this to each run's own process.
    "PREFECT_WORKER_ENABLE_CANCELLATION": "true",
    "PREFECT_WORKER_CANCELLATION_POLL_SECONDS": "10",
    "PREFECT_LOGGING_LEVEL": "WARNING",
}


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What a worker serves.

    Attributes:
        pool: the work pool; made when it is missing.
        queues: only these queues of the pool; all when empty.
        limit: runs at once.
        name: under which the worker appears in the UI.
        health_port: serve ``/health`` there.
    """

    pool: str
    queues: Sequence[str]
    limit: int
    name: str | None = None
    health_port: int | None = None


def serve(options: WorkerOptions) -> int:
    """Serve until SIGTERM or Ctrl-C; a second one ends at once. The exit code.

    Raises:
        NavigatorError: in one sentence, why the worker cannot work.
    """
    from app.prefect.server import require_prefect

    settings = load_settings()
    leave_folder()
    # Where the API runs on the same processors, a person who asks goes before the work behind.
    os.nice(NICENESS)
    configure_logs(settings, "worker")
    configure_tracing(settings, "worker")
    _LOG.info("process_started", pool=options.pool)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    if options.health_port is not None:
        os.environ["PREFECT_WORKER_WEBSERVER_HOST"] = "127.0.0.1"
        os.environ["PREFECT_WORKER_WEBSERVER_PORT"] = str(options.health_port)
    require_prefect(settings.home, auth_file=settings.prefect_auth_file)
    return _Serving(settings, options).until_stopped()


class _Serving:
    """The worker's loop in a thread, and the signals in the main one.

    Prefect's engine takes over SIGTERM for the run in its process when it runs in the main thread.
    This process has many runs, and means something else by it.
    """

    def __init__(self, settings: Settings, options: WorkerOptions) -> None:
        self._settings = settings
        self._options = options
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._asked = False
        self._error: BaseException | None = None

    def until_stopped(self) -> int:
        """Serve; the exit code."""
        thread = threading.Thread(target=self._serve, name="worker")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        thread.start()
        while thread.is_alive():
            thread.join(1.0)  # handlers of signals run in between
        _leave_within(EXIT_SECONDS, 1 if self._error else 0)
        if self._error is not None:
            raise self._error
        return 0

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
        _leave_within(STOP_SECONDS, 1)
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    def _serve(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:  # carried over to the main thread
            self._error = error

    async def _work(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        from checks.gate import warm_up
        from flows.shared_services import share_services
        from stages.alerts.rounds import delivering_alerts
        from stages.announcing import announced
        from stages.services import open_services

        say(f"Loading flows and quality gate for the work pool {self._options.pool} …")
        async with open_services(self._settings) as parts:
            await asyncio.to_thread(_load)
            await asyncio.to_thread(warm_up)
            async with announced(parts, "worker"), delivering_alerts(parts):
                with share_services(parts):
                    await self._serve_pool(self._stop, parts)

    async def _serve_pool(self, stop: asyncio.Event, parts: Services) -> None:
        worker = _worker(self._options, self._settings, parts)
        with_health = self._options.health_port is not None
        polling = asyncio.create_task(worker.start(with_healthcheck=with_health, printer=_note))
        asked = asyncio.create_task(self._until_asked(stop))
        await asyncio.wait([polling, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if polling.done():
            raise _why_it_ended(polling.exception())
        say("Stopping: running flows give back their claims …")
        await worker.stop()
        polling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await polling
        _LOG.info("process_stopped")
        say("Stopped.")

    async def _until_asked(self, stop: asyncio.Event) -> None:
        if not self._asked:  # a signal may have come before the loop was there
            await stop.wait()


def _load() -> None:
    import blocks.registry  # noqa: F401  (for the blocks that a person chose for a run)
    from app.worker.entrypoints import served_flows
    from pipeline.code_version import code_version

    served_flows()
    code_version()  # of what was loaded, whatever lies there later


def _worker(options: WorkerOptions, settings: Settings, parts: Services) -> WarmWorker:
    from app.worker.run_places import RunPlaces
    from app.worker.silent_workers import SilentWorkers
    from app.worker.warm_worker import WarmWorker

    # Who hands batches over and takes them too keeps places for them.
    both = settings.work_pool is not None and not options.queues
    others = max(1, options.limit - settings.concurrency) if both else None

    silent = SilentWorkers(parts)
    return WarmWorker(
        options.pool,
        work_queues=list(options.queues) or None,
        name=options.name or f"{os.uname().nodename}-{os.getpid()}",
        prefetch_seconds=1,
        limit=options.limit,
        # One more than it works on at once: it begins while the others wait for their provider.
        child_runs=settings.worker_child_runs,
        places=RunPlaces(settings.concurrency + 1, others),
        silent=silent.among,
        requeued=silent.requeued,
    )


def _note(sentence: str) -> None:
    say(sentence)


def _why_it_ended(error: BaseException | None) -> NavigatorError:
    reason = type(error).__name__ if error else "no reason given"
    return ServiceUnavailable(
        f"The worker ended because its Prefect server does not answer as it should ({reason}).",
        remedy="Look whether the server runs and is of the same version, then start it again.",
    )


def _leave_within(seconds: float, code: int) -> None:
    """Have the process end after so long at the latest."""

    def leave() -> None:
        sys.stderr.flush()
        os._exit(code)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
