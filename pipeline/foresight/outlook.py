"""Puts findings and forecasts together into alerts: what a person is to know of, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.alerts import Alert, Severity
from pipeline.foresight.capacity import Forecast, emptied, month, peak, room
from pipeline.foresight.causes import Surroundings, likely_cause
from pipeline.foresight.findings import LEAST_DAYS, Finding, find
from pipeline.foresight.measures import LEVELS, SHARES, AlertKind, Measure
from pipeline.foresight.series import Series

_CRITICAL_RATIO, _CRITICAL_SHARE = 5.0, 0.5
_BACKLOG_LEAST = 50
_LATE = {
    # Told, and told as critical, when that near.
    "disk": (timedelta(days=14), timedelta(days=3)),
    "tokens": (timedelta(days=14), timedelta(0)),
    "backlog": (timedelta(days=1), timedelta(days=7)),
}
# The part of an alert's key that tells findings of one kind and subject apart.
_WORDS = {
    Measure.SERVICE_TAIL: "{} p95",
    Measure.QUARANTINED: "quarantined",
    Measure.WARNED: "warned",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What forecasts run against; None where there is no limit.

    Attributes:
        tokens_an_hour: by service.
        month_usd: the budget of a month.
        spent_usd: of this month, until now.
    """

    tokens_an_hour: Mapping[str, float]
    month_usd: float | None
    spent_usd: float


@dataclass(frozen=True, slots=True)
class Month:
    """What this calendar month (UTC) costs.

    Attributes:
        by_its_end: None: there is too little history.
    """

    spent_usd: float
    by_its_end: float | None
    budget_usd: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What was found and is to be expected.

    Attributes:
        unknown: measures with their subjects of which too little is known to call them unusual.
        read_off: the figures of this moment, by measure and subject, where they were read.
    """

    at: datetime
    series: Sequence[Series]
    findings: Sequence[Finding]
    forecasts: Sequence[Forecast]
    month: Month
    alerts: Sequence[Alert]
    unknown: Sequence[str]
    read_off: Mapping[tuple[str, str], float] = field(default_factory=dict)


def outlook(
    at: datetime, all_series: Sequence[Series], limits: Limits, around: Surroundings
) -> Outlook:
    """Judge all series as of now."""
    findings = find(all_series)
    forecasts = list(_forecasts(all_series, limits))
    costs = _month(all_series, limits)
    alerts = [_of_finding(each, findings, around) for each in findings]
    alerts += [told for each in forecasts if (told := _of_forecast(each, at, around))]
    if told := _of_month(costs):
        alerts.append(told)
    unknown = [
        f"{each.measure} {each.subject}"
        for each in all_series
        if (each.measure in LEVELS or each.measure in SHARES) and each.days < LEAST_DAYS
    ]
    return Outlook(at, all_series, findings, forecasts, costs, alerts, unknown)


def _of(all_series: Iterable[Series], measure: Measure) -> Iterator[Series]:
    return (each for each in all_series if each.measure is measure)


def _forecasts(all_series: Sequence[Series], limits: Limits) -> Iterator[Forecast]:
    for each in _of(all_series, Measure.DISK_FREE):
        yield room(each, "disk", "bytes")
    for each in _of(all_series, Measure.TOKENS):
        if limit := limits.tokens_an_hour.get(each.subject):
            yield peak(each, "tokens", "tokens an hour", limit)
    flows = [next(_of(all_series, each), None)
             for each in (Measure.WAITING, Measure.ARRIVED, Measure.FINISHED)]  # fmt: skip
    if all(each is not None for each in flows):
        yield emptied(*(each for each in flows if each is not None))


def _month(all_series: Sequence[Series], limits: Limits) -> Month:
    series = next(_of(all_series, Measure.SPENT), None)
    told = month(series, limits.spent_usd) if series is not None else (0.0, False)
    return Month(limits.spent_usd, told[0] if told[1] else None, limits.month_usd)


def _of_finding(each: Finding, found: Sequence[Finding], around: Surroundings) -> Alert:
    evidence = {
        "now": round(each.now, 6),
        "usual": round(each.usual, 6),
        "unit": each.unit,
        "since": each.since.isoformat(),
        "seen_as": each.how,
        **each.evidence,
    }
    return Alert(
        each.kind,
        _WORDS.get(each.measure, "{}").format(each.subject),
        _severity(each, around),
        sentence(each),
        evidence,
        likely_cause(each, found, around),
    )


def sentence(each: Finding) -> str:
    """What is unusual, for a person."""
    if each.unit == "share":
        return f"{each.title}: {each.now:.1%}, usually {each.usual:.1%}."
    return f"{each.title} {_amount(each.now)} {each.unit}, usually {_amount(each.usual)}."


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _severity(each: Finding, around: Surroundings) -> Severity:
    if each.kind is AlertKind.QUEUE and around.workers == 0:
        return Severity.CRITICAL
    if each.kind is AlertKind.FAILURES and each.now >= _CRITICAL_SHARE:
        return Severity.CRITICAL
    ratio = each.now / each.usual if each.usual > 0 else 1.0
    far = each.how == "jump" and ratio >= _CRITICAL_RATIO and each.kind is not AlertKind.COST
    return Severity.CRITICAL if far else Severity.WARNING


def _of_forecast(each: Forecast, at: datetime, around: Surroundings) -> Alert | None:
    late, critical = _LATE[each.kind]
    evidence = {
        "now": round(each.now, 3),
        "limit": round(each.limit, 3),
        "unit": each.unit,
        "a_day": round(each.a_day, 3),
        "reached_at": each.full_at.isoformat() if each.full_at else None,
        "days_of_history": round(each.days_of_history, 1),
    }
    if each.kind == "backlog":
        if each.now < _BACKLOG_LEAST or (each.full_at and each.full_at - at <= late):
            return None
        cause = "No worker runs." if around.workers == 0 else "More comes than the workers finish."
        return Alert(
            AlertKind.BACKLOG, each.subject, Severity.WARNING, in_words(each, at), evidence, cause
        )
    if each.full_at is None or each.full_at - at > late:
        return None
    severity = Severity.CRITICAL if each.full_at - at <= critical else Severity.WARNING
    kind = AlertKind.DISK if each.kind == "disk" else AlertKind.TOKENS
    cause = "It grows as it did in the last weeks." if not each.too_little else (
        "It grew fast within the last hours.")  # fmt: skip
    return Alert(kind, each.subject, severity, in_words(each, at), evidence, cause)


def in_words(each: Forecast, at: datetime) -> str:
    """A forecast as one sentence."""
    if each.kind == "backlog":
        if each.full_at is None:
            return f"{each.now:.0f} documents wait, and as things go they become no fewer."
        if each.now <= 0:
            return "No document waits."
        return f"{each.now:.0f} documents wait; none will from {each.full_at:%a %d %b %H:%M} UTC."
    if each.full_at is None and each.too_little:
        return (
            f"{_FULL[each.kind].format(each.subject)}: not known yet, from "
            f"{each.days_of_history:.1f} days of history ({LEAST_DAYS} are needed, 21 for tokens)."
        )
    if each.full_at is None:
        return f"{_FULL[each.kind].format(each.subject)} is not reached within 120 days."
    days = (each.full_at - at) / timedelta(days=1)
    when = f"in {days:.0f} days" if days >= 2 else f"in {max(days * 24, 0):.0f} hours"
    verb = "is full" if each.kind == "disk" else "binds"
    name = _NAMES[each.kind].format(each.subject)
    return f"At this rate {name} {verb} {when} ({each.full_at:%a %d %b})."


_NAMES = {"disk": "the disk of {}", "tokens": "the token budget of {}"}
_FULL = {"disk": "The end of the disk of {}", "tokens": "The end of the token budget of {}"}


def _of_month(costs: Month) -> Alert | None:
    if costs.budget_usd is None or costs.by_its_end is None or costs.by_its_end <= costs.budget_usd:
        return None
    return Alert(
        AlertKind.SPEND,
        "month",
        Severity.WARNING,
        f"This month will cost {costs.by_its_end:.2f} USD, of a budget of "
        f"{costs.budget_usd:.2f} USD.",
        {
            "spent_usd": round(costs.spent_usd, 6),
            "by_its_end_usd": round(costs.by_its_end, 6),
            "budget_usd": round(costs.budget_usd, 6),
        },
        "More documents, larger ones, or a higher price than when the budget was set.",
    )
