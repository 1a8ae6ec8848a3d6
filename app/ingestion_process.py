"""One ingest in a process of its own, for the Python interface: `python -m app.ingestion_process`.

Prefect takes over the process that it runs in: its logging, its environment, the folder in which it
reads settings. A program that uses us keeps all of that, because the flow runs here.

The request comes on the standard input and the answer goes to the standard output, both pickled:
the two ends are one user's processes with the same code. When the input closes, whoever asked has
gone or has changed its mind, and the run stops as at Ctrl-C: its documents are given back.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import BinaryIO

from app.ingestion import find, ingest
from app.ingestion_messages import Order, Outcome
from app.prefect.run_view import RemarksView
from app.process.environment import settle
from app.process.exit import leave_soon
from app.process.startup import start_process
from pipeline.errors import ConfigurationError, NavigatorError, Unforeseen
from pipeline.full_disk import full_disk, lacking_folder, says_full
from pipeline.logs import logger
from pipeline.redacted_traceback import innermost_frame
from pipeline.settings import Settings, load_settings

_LOG = logger("navigator.process")
INTERRUPTED = 130


def main() -> None:
    """Run the ingest that the standard input asks for."""
    warnings.simplefilter("ignore")
    start_process()
    # A program started in the background ignores it, and its children would.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    answers = _take_stdout()
    order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    threading.Thread(target=_stop_when_closed, args=(sys.stdin.buffer,), daemon=True).start()
    settle(None)
    try:
        answer: Outcome | NavigatorError = run(order)
    except NavigatorError as error:
        answer = error
    except Exception as error:
        answer = _unforeseen(error)
    except KeyboardInterrupt:
        return leave_soon(INTERRUPTED)
    # Whoever asked lets go of the input now, and what is left to do here is to end well.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with answers:
        pickle.dump(answer, answers)
    return leave_soon(0)


def run(order: Order) -> Outcome:
    """Run the ingest.

    Raises:
        NavigatorError: it could not begin, or could not go on; what is done is kept.
    """
    from app.prefect.block_server import know_server
    from blocks.saved_blocks import once_before_loading

    _require_same(order.settings, load_settings())
    forget = once_before_loading(know_server)
    view = RemarksView()
    try:
        found = find(order.request, order.settings)
        report = ingest(order.request, found, view)
    finally:
        forget()
    return Outcome(report, found, tuple(view.remarks))


def _require_same(wanted: Settings, found: Settings) -> None:
    """Make sure that nothing which was asked for is lost on the way here.

    Raises:
        ConfigurationError: a file with settings says otherwise, of a part that was given outright.
    """
    fields = Settings.model_fields
    names = [name for name in fields if _value(wanted, name) != _value(found, name)]
    if names:
        raise ConfigurationError(
            f"The settings file contradicts what was given outright: {', '.join(names)}.",
            remedy="Remove them from the file, or set them in the environment.",
        )


def _value(settings: Settings, name: str) -> object:
    value = getattr(settings, name)
    return value.absolute() if isinstance(value, Path) else value


def _unforeseen(error: Exception) -> NavigatorError:
    if says_full(error):
        return full_disk(lacking_folder(load_settings().home))
    _LOG.error("unforeseen", exc_info=error)
    kind = type(error).__name__
    return Unforeseen(f"Something unforeseen went wrong ({kind} at {innermost_frame(error)}).")


def _take_stdout() -> BinaryIO:
    """The standard output for the answer alone; what libraries print goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answers


def _stop_when_closed(stream: BinaryIO) -> None:
    stream.read()
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()
