"""What was measured of foresight, as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from benchmarks.foresight.detection import Tally
from benchmarks.foresight.forecasts import Errors


def detection_table(tally: Tally) -> str:
    """Incidents by kind, with delays; false alarms by measure."""
    return "\n".join([*_incidents(tally), "", *_false_alarms(tally), ""])


def _incidents(tally: Tally) -> Iterator[str]:
    yield from _head("Incident", "Detected", "Share", "Delay, h (median)", "Delay, h (longest)")
    for kind in sorted({*tally.delays, *tally.missed}):
        delays = tally.delays.get(kind, [])
        yield _incident(kind, delays, tally.missed.get(kind, 0))
    everything = [delay for delays in tally.delays.values() for delay in delays]
    yield _incident("**all**", everything, sum(tally.missed.values()))


def _incident(kind: str, delays: Sequence[int], missed: int) -> str:
    number = len(delays) + missed
    middle = f"{statistics.median(delays):.0f}" if delays else "–"
    longest = f"{max(delays)}" if delays else "–"
    share = f"{len(delays) / number:.1%}" if number else "–"
    return _row(kind, f"{len(delays)} of {number}", share, middle, longest)


def _false_alarms(tally: Tally) -> Iterator[str]:
    yield from _head("Series", "Weeks without an incident", "With a false alarm", "Share")
    for measure, weeks in tally.weeks.items():
        wrong = tally.false[measure]
        yield _row(measure.value, f"{weeks:,}", f"{wrong}", f"{wrong / weeks:.2%}")
    wrong, weeks = sum(tally.false.values()), sum(tally.weeks.values())
    yield _row("**all**", f"{weeks:,}", f"{wrong}", f"{tally.false_share:.2%}")
    yield ""
    yield f"False alarms of an installation in a week: {tally.false_a_week:.3f}."


def forecast_table(found: Iterable[Errors]) -> str:
    """How far forecasts were off."""
    lines = list(
        _head("Forecast", "Number", "Error (median)", "Error (90 %)", "Within 15 %", "Silent")
    )
    lines += [
        _row(
            each.name,
            f"{len(each.errors) + each.silent}",
            f"{each.median:.1%}",
            f"{np.quantile(each.errors, 0.9):.1%}",
            f"{each.within:.0%}",
            f"{each.silent}",
        )
        for each in found
    ]
    return "\n".join(lines) + "\n"


def _head(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield "|" + "---|" * len(names)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
