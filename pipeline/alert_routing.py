"""Decides who is told of an alert, and when: routes, escalation, quiet hours, grouping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipeline.alerts import Alert, Severity

BLOCK_TYPE = "navigator-alert"


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("is no time zone such as Europe/Berlin")
    return value


def _clock(value: object) -> object:
    if isinstance(value, int | float):  # YAML takes 22:00 for a number to the base of sixty
        raise ValueError('must be a time in quotes, as "22:00"')
    return value


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Rule):
    """Who is told, unless somebody has acknowledged the alert by then.

    Attributes:
        to: targets, by their names.
        after_minutes: since the alert was raised.
    """

    to: tuple[str, ...] = Field(min_length=1)
    after_minutes: float = Field(default=0, ge=0, le=7 * 24 * 60)


class Route(_Rule):
    """Which alerts take which steps; the first route that fits is taken.

    Attributes:
        severities: All when empty.
        kinds: Names or patterns (`run-*`); all when empty.
        steps: The first tells at once; each other one is an escalation. None: nobody is told.
    """

    severities: tuple[Severity, ...] = ()
    kinds: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Route:
        after = [each.after_minutes for each in self.steps]
        if after != sorted(set(after)):
            raise ValueError("each step must come later than the one before it")
        return self

    def takes(self, alert: Alert) -> bool:
        """Whether the alert goes this way."""
        return (not self.severities or alert.severity in self.severities) and (
            not self.kinds or any(fnmatchcase(alert.kind, each) for each in self.kinds)
        )


class QuietHours(_Rule):
    """When nobody is told of anything that is not critical; it is told afterwards.

    Attributes:
        begin: By the clock of the time zone; past `end`, the night between is meant.
    """

    begin: Annotated[time, BeforeValidator(_clock)]
    end: Annotated[time, BeforeValidator(_clock)]
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"

    def over_at(self, moment: datetime) -> datetime:
        """The first moment from this one on that is not within them."""
        here = moment.astimezone(ZoneInfo(self.timezone))
        clock = here.time().replace(tzinfo=None)
        night = self.begin > self.end
        if not (
            (clock >= self.begin or clock < self.end) if night else self.begin <= clock < self.end
        ):
            return moment
        day = here.date() + timedelta(days=1 if night and clock >= self.begin else 0)
        return datetime.combine(day, self.end, ZoneInfo(self.timezone)).astimezone(moment.tzinfo)


class AlertRouting(_Rule):
    """Everything about who is told when.

    Attributes:
        quiet_hours: Of everybody.
        group_seconds: How long an alert that is not critical waits for others, to be told with
            them in one message.
        renew_minutes: How long an alert that comes again and is not acknowledged is told nobody
            again.
    """

    routes: tuple[Route, ...] = ()
    quiet_hours: QuietHours | None = None
    group_seconds: float = Field(default=60, ge=0, le=3600)
    renew_minutes: float = Field(default=240, ge=1)

    @property
    def named_targets(self) -> frozenset[str]:
        """Every target that a route names."""
        return frozenset(name for route in self.routes for step in route.steps for name in step.to)


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """One message that is to be sent.

    Attributes:
        step: From 0.
    """

    step: int
    target: str
    due_at: datetime


def single_target(slug: str) -> AlertRouting:
    """The routing of an installation that names one saved block and nothing else."""
    target = slug.removeprefix(f"{BLOCK_TYPE}/")
    return AlertRouting(routes=(Route(steps=(Step(to=(target,)),)),), group_seconds=0)


def deliveries(
    routing: AlertRouting, alert: Alert, raised_at: datetime
) -> Iterator[PlannedDelivery]:
    """What is to be sent of an alert as long as nobody acknowledges it, in order."""
    route = next((each for each in routing.routes if each.takes(alert)), None)
    critical = alert.severity is Severity.CRITICAL
    for number, step in enumerate(route.steps if route else ()):
        due = raised_at + timedelta(minutes=step.after_minutes)
        if not critical:
            if number == 0:
                due += timedelta(seconds=routing.group_seconds)
            if routing.quiet_hours is not None:
                due = routing.quiet_hours.over_at(due)
        for target in dict.fromkeys(step.to):
            yield PlannedDelivery(number, target, due)
