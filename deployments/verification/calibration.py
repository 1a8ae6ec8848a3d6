"""Calibrates: a fixed piece of work, by which times of unlike or busy machines are compared.

Half of it is this processor's (hashing, JSON, regular expressions: what the stages do), half is
round trips to the database. Each repetition's times are divided by it, so that a machine of half
the speed, or one that is busy, does not look like a slower release.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import re
import statistics
import time
from pathlib import Path

import psutil

from deployments.verification.baseline import Hardware
from pipeline.store.canaries import mark
from pipeline.store.engine import Database

UNITS = 5
"""How often the work is done for one measure, of which the median counts."""
_ROUNDS, _ROUND_TRIPS = 60, 12
_WORDS = re.compile(r"\b[a-z]{3,}\b")
_TEXT = "The insurer pays the loss within thirty days after the proof of loss was received. " * 12
_GIB = 1024**3


async def reference_seconds(database: Database) -> float:
    """Seconds of the reference work now: the median of some."""
    return statistics.median([await _unit(database) for _ in range(UNITS)])


async def _unit(database: Database) -> float:
    began = time.perf_counter()
    await asyncio.to_thread(_compute)
    for _ in range(_ROUND_TRIPS):
        async with database.service() as connection:
            await mark(connection)
    return time.perf_counter() - began


def _compute() -> str:
    text = _TEXT
    for _ in range(_ROUNDS):
        words = _WORDS.findall(json.loads(json.dumps(text.lower())))
        text = f"{hashlib.sha256(' '.join(words).encode()).hexdigest()} {_TEXT}"
    return text


def hardware() -> Hardware:
    """This machine."""
    return Hardware(
        processor=_processor(),
        processors=len(os.sched_getaffinity(0)),
        memory_gib=round(psutil.virtual_memory().total / _GIB, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
