"""Log events: a fixed name and structured fields (structlog), through standard logging.

`_LOG = logger("navigator.parse")`, then `_LOG.info("parse_submitted", job_id=…)`. Fields hold ids,
counts and names of ours: never a secret, a file's name or what a document says. Who handles the
records, and how they look, is decided at the entry point (`app/process/log_output.py`); without
one they are ordinary records whose message is the event's name.
"""

from __future__ import annotations

import logging

import structlog
from structlog.stdlib import BoundLogger, filter_by_level, render_to_log_kwargs


def logger(name: str) -> BoundLogger:
    """A logger of events under ``navigator.``"""
    wrapped: BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[filter_by_level, render_to_log_kwargs],
        wrapper_class=BoundLogger,
        context_class=dict,
    )
    return wrapped
