"""Scripts faults: which request or event fails, how, and how often; a seed repeats it.

A script is a list of rules for all services, in YAML or JSON (`faults.example.yaml` shows it):

    - service: openai
      match: {path: /v1/embeddings, contains: poison}
      fault: {kind: status, status: 429, retry_after: "2"}
      rate: 0.9
      seed: 7

`service` is openai, llamaparse or webhooks; `mocks.fault_kinds` has the kinds of each. `match` may
name `method`, `path` (a prefix), `contains` (in the body) and, of a webhook, `event`. Among what
matches, `rate` draws from the seed, `schedule` names them: a list of numbers counted from 1, or
`{from: 3, to: 9, every: 2}`, or `{after_seconds: 1, for_seconds: 300}`; `times` bounds how often
the rule fires. The first rule that fires wins. A fault may be written as its kind alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import yaml

from mocks.fault_kinds import EVERY_KIND, Kinds

MATCH_KEYS = frozenset({"method", "path", "contains", "event"})
RULE_KEYS = frozenset({"service", "match", "fault", "rate", "schedule", "times", "seed"})
SCHEDULE_KEYS = frozenset({"from", "to", "every", "after_seconds", "for_seconds"})


def read_script(written: bytes) -> list[dict[str, Any]]:
    """The rules of a script in YAML or JSON.

    Raises:
        ValueError: it is neither, or it is no list of rules.
    """
    try:
        script = orjson.loads(written)
    except ValueError:
        try:
            script = yaml.safe_load(written)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"the fault script is neither YAML nor JSON: {error}") from None
    if script is None:
        return []
    if not isinstance(script, list) or not all(isinstance(rule, dict) for rule in script):
        raise ValueError("a fault script is a list of rules")
    return script


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a fault may happen to: a request, or an event on its way to a receiver."""

    service: str
    method: str
    path: str
    body: bytes = b""
    event: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: its kind and the kind's parameters."""

    kind: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def seconds(self, default: float) -> float:
        """The `seconds` parameter."""
        return float(self.parameters.get("seconds", default))


@dataclass
class Rule:
    """When one fault happens, and how often it did."""

    service: str
    fault: Fault
    match: dict[str, str]
    rate: float
    schedule: list[int] | dict[str, float] | None
    times: int | None
    generator: random.Random
    loaded: float = field(default_factory=time.monotonic)
    matched: int = 0
    fired: int = 0

    @classmethod
    def from_json(cls, data: dict[str, Any], kinds: Kinds) -> Rule:
        """Read a rule.

        Raises:
            ValueError: a key, kind or parameter is unknown; a rule that silently never fires is
                worse.
        """
        raw = data.get("fault")
        described = {"kind": raw} if isinstance(raw, str) else dict(raw or {})
        kind = described.pop("kind", None)
        match, schedule = dict(data.get("match") or {}), data.get("schedule")
        timed = set(schedule) if isinstance(schedule, dict) else set()
        unknown = set(data) - RULE_KEYS | set(match) - MATCH_KEYS | timed - SCHEDULE_KEYS
        if unknown:
            raise ValueError(f"unknown keys in a fault rule: {', '.join(sorted(unknown))}")
        if kind not in kinds:
            raise ValueError(f"unknown fault kind {kind!r}; known: {', '.join(sorted(kinds))}")
        if odd := set(described) - kinds[kind]:
            raise ValueError(f"unknown parameters of {kind}: {', '.join(sorted(odd))}")
        return cls(
            service=data["service"],
            fault=Fault(kind, described),
            match={key: str(value) for key, value in match.items()},
            rate=float(data.get("rate", 1.0)),
            schedule=schedule,
            times=data.get("times"),
            generator=random.Random(data.get("seed", 0)),  # noqa: S311 - a replayable draw is meant
        )

    def fires(self, occasion: Occasion) -> bool:
        """Whether the fault happens here; counts it."""
        if occasion.service != self.service or not self._matches(occasion):
            return False
        self.matched += 1
        drawn = self.rate >= 1.0 or self.generator.random() < self.rate
        if not drawn or not self._due() or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True

    def _matches(self, occasion: Occasion) -> bool:
        match = self.match
        return (
            match.get("method", occasion.method).upper() == occasion.method
            and occasion.path.startswith(match.get("path", ""))
            and match.get("event", occasion.event) == occasion.event
            and match.get("contains", "").encode() in occasion.body
        )

    def _due(self) -> bool:
        schedule = self.schedule
        if schedule is None:
            return True
        if isinstance(schedule, list):
            return self.matched in schedule
        first = schedule.get("from", 1)
        age = time.monotonic() - self.loaded - schedule.get("after_seconds", 0.0)
        return (
            first <= self.matched <= schedule.get("to", float("inf"))
            and (self.matched - first) % schedule.get("every", 1) == 0
            and 0 <= age < schedule.get("for_seconds", float("inf"))
        )


class FaultScript:
    """The rules in force, for all services.

    Args:
        kinds: for each service, the fault kinds it knows and their parameters.
    """

    def __init__(self, kinds: Mapping[str, Kinds] = EVERY_KIND) -> None:
        self._kinds = kinds
        self._rules: list[Rule] = []
        self._written: list[dict[str, Any]] = []

    def load(self, script: list[dict[str, Any]]) -> None:
        """Replace all rules; an empty list ends all faults.

        Raises:
            ValueError: a service, kind, key or parameter is unknown; the rules in force stay.
        """
        for rule in script:
            if rule.get("service") not in self._kinds:
                known = ", ".join(sorted(self._kinds))
                raise ValueError(f"unknown service {rule.get('service')!r}; known: {known}")
        self._rules = [Rule.from_json(rule, self._kinds[rule["service"]]) for rule in script]
        self._written = script

    def pick(self, occasion: Occasion) -> Fault | None:
        """The fault that happens here, if any."""
        return next((rule.fault for rule in self._rules if rule.fires(occasion)), None)

    def written(self) -> list[dict[str, Any]]:
        """The rules in force, as they were given."""
        return self._written

    def stats(self) -> list[dict[str, Any]]:
        """How often each rule matched and fired, in order."""
        return [
            {"service": r.service, "kind": r.fault.kind, "matched": r.matched, "fired": r.fired}
            for r in self._rules
        ]
