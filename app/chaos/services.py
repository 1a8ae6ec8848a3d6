"""Makes the embedder misbehave: lost connections, storms of 429, an empty account, bad answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from app.chaos.command_process import Command
from app.chaos.experiment_report import Outcome
from app.chaos.experiments import END_SECONDS, Plan, Trial, trial
from app.chaos.generated_documents import write_policies
from app.chaos.installations import DISTURBED, Installation, user
from pipeline.retry_policy import QUOTA_OPEN_SECONDS

REQUEST_SECONDS = 60.0
"""After so long the embedder's client gives a request up."""

BILLED = frozenset(
    ("drop", "truncated_body", "truncated_json", "slow_body", "not_json", "nan", "zero_vector",
     "wrong_count", "wrong_dimension")
)  # fmt: skip
"""Faults of which the answer was billed and cannot be used."""

LARGE = {"NAVIGATOR_EMBEDDING_BATCH_INPUTS": "16", "NAVIGATOR_EMBEDDING_CONCURRENCY": "4"}
"""Settings for thousands of documents."""

_BAD = (
    "wrong_count", "wrong_dimension", "nan", "zero_vector", "truncated_json", "not_json",
    "wrong_order", "status",
)  # fmt: skip


def network(plan: Plan, place: Installation) -> Outcome:
    """Connections that are slow, reset, silent, or lost after the service has done its work."""
    kinds: list[dict[str, Any]] = [
        _rule("latency", 0.05, plan.seed, seconds=2),
        _rule("reset", 0.04, plan.seed + 1),
        _rule("drop", 0.04, plan.seed + 2),
        _rule("truncated_body", 0.02, plan.seed + 3),
        _rule("hang", 0.02, plan.seed + 4, seconds=600) | {"times": 2},
    ]
    write_policies(place.documents, plan.documents, plan.seed)
    with trial(plan, place) as under_way:
        place.openai.faults(*kinds)
        runs = _until_done(under_way, attempts=40)
        longest = under_way.watch.corpus(user(DISTURBED)).ledger.longest
        if longest > REQUEST_SECONDS * 1.1:
            under_way.broken("no request hangs", f"one took {longest:.0f} s")
        return _told(under_way, "network", runs=runs, longest_request=round(longest, 1))


def storm(plan: Plan, place: Installation) -> Outcome:
    """Nine of ten requests are answered with 429 and no Retry-After, for some minutes."""
    write_policies(place.documents, plan.documents, plan.seed)
    with trial(plan, place) as under_way:
        rule = _rule("rate_limit", 0.9, plan.seed)
        place.openai.faults(rule | {"schedule": {"for_seconds": plan.seconds}})
        under_way.finish()
        return _told(under_way, "storm")


def quota(plan: Plan, place: Installation) -> Outcome:
    """The account is empty: one request for each window of the circuit, and all goes on after."""
    write_policies(place.documents, plan.documents, plan.seed)
    with trial(plan, place) as under_way:
        place.openai.faults("quota")
        windows, opened = 0, time.monotonic()
        while under_way.time_left or not windows:
            _stopped_by_quota(under_way)
            windows = 1 + int((time.monotonic() - opened) / QUOTA_OPEN_SECONDS)
            asked = place.openai.stats()["requests"]
            if asked > windows:
                what = f"{asked} requests in {windows} windows of {QUOTA_OPEN_SECONDS:.0f} s"
                under_way.broken("an empty account is asked once a window", what)
                break
        place.openai.faults()
        time.sleep(QUOTA_OPEN_SECONDS)
        under_way.struck.append(under_way.watch.clock())
        under_way.finish()
        return _told(under_way, "quota", windows=windows)


def _stopped_by_quota(under_way: Trial) -> None:
    command = under_way.place.ingest()
    if command.wait(END_SECONDS) != 1 or not command.answer().get("stopped"):
        under_way.broken("an empty account is told", command.why())


def answers(plan: Plan, place: Installation) -> Outcome:
    """Two of a hundred answers are bad; all documents are published in one run nevertheless."""
    write_policies(place.documents, plan.documents, plan.seed)
    with trial(plan, place) as under_way:
        place.openai.faults(*bad_answers(0.02, plan.seed))
        under_way.finish(attempts=5)
        return _told(under_way, "answers")


def bad_answers(rate: float, seed: int) -> list[dict[str, Any]]:
    """Rules with which this share of the answers is bad, each kind as often."""
    return [_rule(kind, rate / len(_BAD), seed + number) for number, kind in enumerate(_BAD)]


def _rule(kind: str, rate: float, seed: int, **parameters: Any) -> dict[str, Any]:
    return {"fault": {"kind": kind, **parameters}, "rate": rate, "seed": seed}


def _until_done(under_way: Trial, attempts: int) -> int:
    """Run commands until one has published all; how many it took."""
    for number in range(1, attempts + 1):
        command: Command = under_way.place.ingest()
        if command.wait(END_SECONDS) == 0:
            return number
    under_way.broken("the next run finishes", f"not one of {attempts}: {command.why()}")
    return attempts


def fired(place: Installation) -> dict[str, int]:
    """How often each kind of fault happened."""
    return {rule["kind"]: rule["fired"] for rule in place.openai.fault_stats() if rule["fired"]}


def costly(faults: dict[str, int], kinds: Sequence[str] = tuple(BILLED)) -> int:
    """Of these faults, how many were billed for nothing."""
    return sum(count for kind, count in faults.items() if kind in kinds)


def _told(under_way: Trial, name: str, **facts: Any) -> Outcome:
    faults = fired(under_way.place)
    return under_way.outcome(name, faults, under_way.verdict(costly(faults)), **facts)
