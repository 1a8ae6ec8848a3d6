"""Reports loads: latencies, what they used, what held; and the forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.load.forecast import LIBRARY, MIB, Forecast, Line
from app.load.local_load import LOCAL_LOAD
from app.load.running import Step
from app.load.sampling import largest
from app.load.targets import Check, checks, held
from app.terminal.console import answers, number, print_json, right, table, tell, text


def show(steps: Sequence[Step], found: Forecast | None, *, json: bool) -> int:
    """Print everything; the exit code: 0 when the largest load held every promise, else 1."""
    if json:
        print_json(as_json(steps, found))
    else:
        for step in steps:
            _show_step(step)
        if found is not None:
            _show_forecast(found)
    return 0 if held(checks(steps[-1])) else 1


def as_json(steps: Sequence[Step], found: Forecast | None) -> dict[str, Any]:
    """For a program."""
    return {
        "held": held(checks(steps[-1])),
        "steps": [_step(each) for each in steps],
        "forecast": None if found is None else _forecast(found),
    }


def _step(step: Step) -> dict[str, Any]:
    judged, looks = checks(step), step.watch.looks
    return {
        "times": step.times,
        "users": step.users,
        "seconds": step.seconds,
        "held": held(judged),
        "checks": [asdict(each) for each in judged],
        "endpoints": {kind: asdict(each) for kind, each in step.timings.by_kind().items()},
        "errors": step.timings.errors(),
        "sender_late_p95_ms": step.timings.lateness(),
        "documents": {
            **asdict(step.outcome),
            "published_per_minute": published_per_minute(step),
            "drained_seconds": step.drained,
        },
        "queue": {
            "most_waiting": max((each.waiting for each in looks), default=0),
            "most_held": max((each.held for each in looks), default=0),
            "oldest_seconds": largest([each.oldest for each in looks]),
        },
        "connections": {
            "open": max((each.connections.open for each in looks), default=0),
            "active": max((each.connections.active for each in looks), default=0),
            "idle_in_transaction": max(
                (each.connections.idle_in_transaction for each in looks), default=0
            ),
            "most": max((each.connections.most for each in looks), default=0),
        },
        "services": {
            name: {"cores": cores, "memory_bytes": step.watch.memory().get(name, 0)}
            for name, cores in step.watch.cores().items()
        },
        "machine_cores": step.watch.machine(),
        "left": step.left,
    }


def _forecast(found: Forecast) -> dict[str, Any]:
    return {
        "times": found.goal,
        "measured_at": list(found.times),
        "library": LIBRARY,
        "resources": [
            {
                "name": each.resource.name, "unit": each.resource.unit,
                "measured": list(each.resource.used), "capacity": each.resource.capacity,
                "idle": each.idle, "for_each_time": each.demand, "forecast": each.at_goal,
                "full_at": each.full_at, "error": each.error,
            }
            for each in found.lines
        ],
        "p95_ms": [
            {
                "endpoint": each.name, "measured": list(each.measured), "service": each.service,
                "forecast": each.at_goal, "error": each.error,
            }
            for each in found.latencies
        ],
    }  # fmt: skip


def published_per_minute(step: Step) -> float:
    """Documents of the load that were published while it lasted, a minute."""
    return 60 * step.published_meanwhile / step.seconds if step.seconds else 0.0


def _show_step(step: Step) -> None:
    title = f"{step.times:g} times the local load: {step.users} users, {step.seconds:.0f} s"
    columns = ("requests", "errors", "p50 ms", "p95 ms", "p99 ms")
    shown = table("asked for", "endpoint", *map(right, columns), title=title)
    for kind, each in step.timings.by_kind().items():
        numbers = [number(each.requests), number(each.errors)]
        numbers += [_milliseconds(value) for value in (each.p50, each.p95, each.p99)]
        shown.add_row(text(kind), text(LOCAL_LOAD[kind].endpoint), *numbers)
    answers().print(shown)
    for error, count in step.timings.errors().items():
        tell(f"{count:,} times {error}", "red")
    _show_documents(step)
    _show_services(step)
    _show_checks(checks(step))


def _show_documents(step: Step) -> None:
    outcome, looks = step.outcome, step.watch.looks
    oldest = largest([each.oldest for each in looks])
    waited = "some still wait" if step.drained is None else f"the last after {step.drained:.1f} s"
    tell(
        f"Documents: {outcome.published:,} of {outcome.accepted:,} published, "
        f"{published_per_minute(step):.0f} a minute; {waited}; from acceptance to publication "
        f"p50 {_seconds(outcome.p50)}, p95 {_seconds(outcome.p95)}."
    )
    tell(
        f"Queue: at most {max((each.waiting for each in looks), default=0):,} waiting, the oldest "
        f"{oldest:.1f} s. Connections: at most "
        f"{max((each.connections.open for each in looks), default=0)} of "
        f"{max((each.connections.most for each in looks), default=0)}."
    )


def _show_services(step: Step) -> None:
    shown = table("service", right("processors"), right("memory MiB"))
    memory = step.watch.memory()
    for name, cores in sorted(step.watch.cores().items(), key=lambda each: -each[1]):
        shown.add_row(text(name), f"{cores:.2f}", number(round(memory.get(name, 0) / MIB)))
    shown.add_row("the machine, with others", f"{step.watch.machine():.2f}", "")
    answers().print(shown)


def _show_checks(found: Sequence[Check]) -> None:
    for each in found:
        mark, style = ("✓", "green") if each.held else ("✗", "red")
        measured, limit = _value(each.measured, each.unit), _value(each.limit, each.unit)
        tell(f"{mark} {each.name}: {measured} of {limit}", style)


def _show_forecast(found: Forecast) -> None:
    measured = ", ".join(f"{each:g}" for each in found.times)
    title = f"{found.goal:g} times, by a model fitted at {measured} times ({LIBRARY})"
    columns = ("measured", f"at {found.goal:g}", "capacity", "full at", "fit's error")
    shown = table("bottlenecks in order", *map(right, columns), title=title)
    for each in found.lines:
        shown.add_row(
            text(f"{each.resource.name}, {each.resource.unit}"),
            " ".join(_short(used) for used in each.resource.used),
            _short(each.at_goal), _short(each.resource.capacity), _full(each), f"{each.error:.1%}",
        )  # fmt: skip
    answers().print(shown)
    shown = table("p95, ms", right("measured"), right(f"at {found.goal:g}"), right("fit's error"))
    for one in found.latencies:
        at_goal = "no steady state" if one.at_goal is None else _short(one.at_goal)
        shown.add_row(
            text(one.name), " ".join(_short(each) for each in one.measured), at_goal,
            "" if one.error is None else f"{one.error:.1%}",
        )  # fmt: skip
    answers().print(shown)


def _full(line: Line) -> str:
    return "never" if line.full_at is None else f"{max(0.0, line.full_at):.0f} times"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2f}"


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured"
    return f"{value:.2%}" if unit == "share" else f"{value:,.1f} {unit}"


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"
