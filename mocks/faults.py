"""Scripted faults: which request fails, how, and how often; the same seed fails the same ones.

A script is a list of rules, as YAML or JSON would hold them:

    {"service": "openai", "match": {"path": "/v1/embeddings", "contains": "poison"},
     "fault": {"kind": "status", "status": 429, "retry_after": "2"}, "rate": 0.9, "seed": 7}

`match` may name `method`, `path` (a prefix) and `contains` (in the body). Among the requests that
match, `rate` draws from the seed, `schedule` names them: a list of numbers counted from 1, or
`{"from": 3, "to": 9, "every": 2}`, or `{"after_seconds": 1, "for_seconds": 300}`; `times` bounds
how often the rule fires. The first rule that fires wins. A fault may be written as its kind alone.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any

TRANSPORT_KINDS = frozenset(
    {
        "hang",  # no answer; the service does nothing. seconds: until the reset (default 3600)
        "reset",  # a TCP reset; the service does nothing
        "drop",  # the service does and counts its work, then a TCP reset
        "latency",  # the answer comes `seconds` later
        "slow_body",  # the body comes in pieces over `seconds`
        "truncated_body",  # Content-Length promises more than comes
        "truncated_json",  # a complete HTTP answer with half of the JSON
    }
)
"""Kinds that every service has; the others are the service's own (its module lists them)."""

MATCH_KEYS = frozenset({"method", "path", "contains"})
RULE_KEYS = frozenset({"service", "match", "fault", "rate", "schedule", "times", "seed"})


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
    def from_json(cls, data: dict[str, Any], kinds: frozenset[str]) -> Rule:
        """Read a rule.

        Raises:
            ValueError: a key or a kind is unknown; a rule that silently never fires is worse.
        """
        raw = data.get("fault")
        described = {"kind": raw} if isinstance(raw, str) else dict(raw or {})
        kind = described.pop("kind", None)
        unknown = set(data) - RULE_KEYS | set(data.get("match") or {}) - MATCH_KEYS
        if unknown:
            raise ValueError(f"unknown keys in a fault rule: {', '.join(sorted(unknown))}")
        if kind not in kinds:
            raise ValueError(f"unknown fault kind {kind!r}; known: {', '.join(sorted(kinds))}")
        return cls(
            service=data["service"],
            fault=Fault(kind, described),
            match=dict(data.get("match") or {}),
            rate=float(data.get("rate", 1.0)),
            schedule=data.get("schedule"),
            times=data.get("times"),
            generator=random.Random(data.get("seed", 0)),  # noqa: S311 - a replayable draw is meant
        )

    def fires(self, service: str, method: str, path: str, body: bytes) -> bool:
        """Whether the fault happens to this request; counts it."""
        if service != self.service or not self._matches(method, path, body):
            return False
        self.matched += 1
        drawn = self.rate >= 1.0 or self.generator.random() < self.rate
        if not drawn or not self._due() or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True

    def _matches(self, method: str, path: str, body: bytes) -> bool:
        match = self.match
        return (
            match.get("method", method).upper() == method
            and path.startswith(match.get("path", ""))
            and match.get("contains", "").encode() in body
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
    """The rules in force.

    Args:
        kinds: for each service, the fault kinds it knows.
    """

    def __init__(self, kinds: dict[str, frozenset[str]]) -> None:
        self._kinds = kinds
        self._rules: list[Rule] = []

    def load(self, script: list[dict[str, Any]]) -> None:
        """Replace all rules; an empty list ends all faults.

        Raises:
            ValueError: a service, kind or key is unknown; the rules in force stay.
        """
        if not isinstance(script, list):
            raise ValueError("a fault script is a list of rules")
        for rule in script:
            if rule.get("service") not in self._kinds:
                raise ValueError(f"unknown service {rule.get('service')!r} in a fault rule")
        self._rules = [
            Rule.from_json(rule, self._kinds[rule["service"]] | TRANSPORT_KINDS) for rule in script
        ]

    def pick(self, service: str, method: str, path: str, body: bytes) -> Fault | None:
        """The fault that happens to this request, if any."""
        for rule in self._rules:
            if rule.fires(service, method, path, body):
                return rule.fault
        return None

    def stats(self) -> list[dict[str, Any]]:
        """How often each rule matched and fired, in order."""
        return [
            {"service": r.service, "kind": r.fault.kind, "matched": r.matched, "fired": r.fired}
            for r in self._rules
        ]
