"""Counts what was detected of the incidents, after how long, and what was told for nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from benchmarks.foresight.incidents import WEEKS_JUDGED, Incident, let_happen
from benchmarks.foresight.installation import Key, empty, series
from pipeline.foresight.findings import alarms
from pipeline.foresight.measures import Measure
from pipeline.foresight.series import HOURS_A_DAY, HOURS_A_WEEK, Values

INCIDENTS = 3
_GRACE = 3 * HOURS_A_DAY
_ONE_EPISODE = HOURS_A_DAY


@dataclass
class Tally:
    """What came of all histories.

    Attributes:
        delays: by kind of incident, of those detected, hours from its begin to the first alarm.
        missed: by kind of incident, how many had no alarm until they ended.
        false: by measure, weeks of a series without an incident that had an alarm.
        weeks: by measure, weeks of a series without an incident.
        alarms: false ones, each episode once.
    """

    installations: int = 0
    delays: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    missed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    false: dict[Measure, int] = field(default_factory=lambda: defaultdict(int))
    weeks: dict[Measure, int] = field(default_factory=lambda: defaultdict(int))
    alarms: int = 0

    @property
    def detected(self) -> float:
        """The share of the incidents that had an alarm."""
        found = sum(map(len, self.delays.values()))
        return found / max(1, found + sum(self.missed.values()))

    @property
    def false_share(self) -> float:
        """The share of series-weeks without an incident that had an alarm."""
        return sum(self.false.values()) / max(1, sum(self.weeks.values()))

    @property
    def false_a_week(self) -> float:
        """False alarms of an installation in a week."""
        return self.alarms / max(1, self.installations * len(WEEKS_JUDGED))


def judge(seeds: Iterable[int], incidents: int = INCIDENTS) -> Tally:
    """The tally over one simulated installation a seed."""
    tally = Tally()
    for seed in seeds:
        made = empty(np.random.default_rng(seed))
        happened = let_happen(made, incidents)
        seen = {(each.measure, each.subject): alarms(each) for each in series(made)}
        _add(tally, happened, seen)
    return tally


def _add(tally: Tally, happened: list[Incident], seen: dict[Key, Values]) -> None:
    tally.installations += 1
    for incident in happened:
        first = _first(incident, seen)
        if first is None:
            tally.missed[incident.kind] += 1
        else:
            tally.delays[incident.kind].append(first - incident.start)
    for key, alarm in seen.items():
        own = [each for each in happened if key in each.series]
        told = [each for each in episodes(alarm) if not _explained(each, own)]
        weeks = {start // HOURS_A_WEEK for start, _ in told}
        tally.alarms += sum(start // HOURS_A_WEEK in WEEKS_JUDGED for start, _ in told)
        for week in WEEKS_JUDGED:
            if not _touched(week, own):
                tally.weeks[key[0]] += 1
                tally.false[key[0]] += week in weeks


def _first(incident: Incident, seen: dict[Key, Values]) -> int | None:
    """The hour of the first alarm that begins while it lasts."""
    hours = []
    for key in incident.series:
        rises = np.flatnonzero(np.diff(np.concatenate([[0], seen[key]])) > 0)
        hours += [int(each) for each in rises if incident.start <= each < incident.end]
    return min(hours, default=None)


def episodes(alarm: Values) -> Iterator[tuple[int, int]]:
    """From the first to the last hour of each alarm; a day of quiet ends one."""
    hours = np.flatnonzero(alarm)
    if len(hours):
        parts = np.split(hours, np.flatnonzero(np.diff(hours) > _ONE_EPISODE) + 1)
        yield from ((int(part[0]), int(part[-1])) for part in parts)


def _explained(episode: tuple[int, int], own: list[Incident]) -> bool:
    start, end = episode
    return any(start < each.end + _GRACE and end >= each.start for each in own)


def _touched(week: int, own: list[Incident]) -> bool:
    start, end = week * HOURS_A_WEEK, (week + 1) * HOURS_A_WEEK
    return any(each.start < end and each.end + _GRACE > start for each in own)
