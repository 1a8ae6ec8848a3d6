"""Forecasts a larger load from measured ones: what is full first, how latencies grow until then.

Two models, fitted by least squares (`numpy.linalg.lstsq`):

- the utilization law: a resource is used by a constant part and a part in proportion to the load,
  ``used(x) = idle + demand * x``, and is full where that reaches its capacity;
- an open queue with one server (M/M/1) whose busy share is that of the resource that is full
  first: ``latency(x) = service / (1 - x / full)``, which has no answer from there on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psutil

from app.load.running import Step
from app.load.sampling import OWN, Look, largest

LIBRARY = "numpy.linalg.lstsq"
_ONE_PROCESSOR = ("api", "prefect")
"""Services whose Python has one process, so that a second processor is of no use to it."""

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Resource:
    """What a load uses of something.

    Attributes:
        used: at each measured load.
        capacity: of which there is no more without adding some.
        unit: of both.
    """

    name: str
    used: Sequence[float]
    capacity: float
    unit: str


@dataclass(frozen=True, slots=True)
class Line:
    """A resource as the model has it.

    Attributes:
        idle: used without any load.
        demand: used more for each time of the local load.
        full_at: times of the local load; None: never, by what was measured.
        at_goal: what it would use at the load that is forecast.
        error: of the fit: root mean square of the residuals, as a share of the largest use.
    """

    resource: Resource
    idle: float
    demand: float
    full_at: float | None
    at_goal: float
    error: float


@dataclass(frozen=True, slots=True)
class Latency:
    """A p95 as the model has it, in milliseconds.

    Attributes:
        service: without any waiting; None: something was full at the smallest load already.
        at_goal: None: there is no steady state, because something is full before.
        error: as of a line.
    """

    name: str
    measured: Sequence[float]
    service: float | None
    at_goal: float | None
    error: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected of a larger load.

    Attributes:
        lines: the bottleneck first.
    """

    times: Sequence[float]
    goal: float
    lines: Sequence[Line]
    latencies: Sequence[Latency]


def forecast(steps: Sequence[Step], goal: float) -> Forecast:
    """The forecast for `goal` times the local load, from loads of at least two sizes."""
    times = [step.times for step in steps]
    lines = [line(times, each, goal) for each in resources(steps)]
    lines.sort(key=lambda each: math.inf if each.full_at is None else each.full_at)
    full_at = lines[0].full_at if lines else None
    return Forecast(times, goal, lines, _latencies(steps, times, full_at, goal))


def resources(steps: Sequence[Step]) -> list[Resource]:
    """What the loads used; a service that was not there each time is left out."""
    cores = [step.watch.cores() for step in steps]
    together = [sum(used for name, used in each.items() if name != OWN) for each in cores]
    found = [Resource("processors", together, float(psutil.cpu_count() or 1), "cores")]
    found += [
        Resource(f"processor of {name}", [each[name] for each in cores], 1.0, "cores")
        for name in _ONE_PROCESSOR
        if all(name in each for each in cores)
    ]
    looks = [step.watch.looks for step in steps]
    found.append(
        Resource("worker, time with documents", [_busy(each) for each in looks], 1, "share")
    )
    most = largest([float(look.connections.most) for each in looks for look in each])
    used = [largest([float(look.connections.open) for look in each]) for each in looks]
    found.append(Resource("connections of the database", used, most, "connections"))
    memory = [sum(step.watch.memory().values()) / MIB for step in steps]
    total = psutil.virtual_memory().total / MIB
    return [*found, Resource("memory of all services", memory, total, "MiB")]


def _busy(looks: Sequence[Look]) -> float:
    """The share of looks at which some document was under way: how busy the queue's server is."""
    return sum(look.waiting + look.held > 0 for look in looks) / max(1, len(looks))


def line(times: Sequence[float], resource: Resource, goal: float) -> Line:
    """The utilization law, fitted; neither part is less than nothing."""
    x, y = np.asarray(times, float), np.asarray(resource.used, float)
    idle, demand = _fitted(np.column_stack([np.ones_like(x), x]), y)
    if idle < 0:
        idle, (demand,) = 0.0, _fitted(x[:, None], y)
    if demand < 0:
        idle, demand = float(y.mean()), 0.0
    full_at = (resource.capacity - idle) / demand if demand > 0 else None
    return Line(resource, idle, demand, full_at, idle + demand * goal, _error(y, idle + demand * x))


def _latencies(
    steps: Sequence[Step], times: Sequence[float], full_at: float | None, goal: float
) -> list[Latency]:
    sums = [step.timings.by_kind() for step in steps]
    return [
        latency(kind, times, [each[kind].p95 or 0.0 for each in sums], full_at, goal)
        for kind in sums[-1]
        if all(kind in each and each[kind].p95 is not None for each in sums)
    ]


def latency(
    name: str,
    times: Sequence[float],
    measured: Sequence[float],
    full_at: float | None,
    goal: float,
) -> Latency:
    """The open queue, fitted to the loads below the one at which something is full."""
    full = math.inf if full_at is None else full_at
    below = [(x, y) for x, y in zip(times, measured, strict=True) if x < full]
    if not below:
        return Latency(name, measured, None, None, None)
    x, y = np.asarray(below, float).T
    growth = 1 / (1 - x / full)
    (service,) = _fitted(growth[:, None], y)
    at_goal = service / (1 - goal / full) if goal < full else None
    return Latency(name, measured, service, at_goal, _error(y, service * growth))


def _fitted(design: np.ndarray, y: np.ndarray) -> list[float]:
    return [float(each) for each in np.linalg.lstsq(design, y, rcond=None)[0]]


def _error(y: np.ndarray, model: np.ndarray) -> float:
    largest_use = float(np.max(np.abs(y)))
    return float(np.sqrt(np.mean((y - model) ** 2))) / largest_use if largest_use else 0.0
