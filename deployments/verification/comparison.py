"""Compares what was found with the baseline, part by part: pure, one finding for each thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deployments.environment import FlowDeployment
from deployments.verification.baseline import (
    Answer,
    CanaryDocument,
    Contracts,
    Corpus,
    Deployment,
)
from deployments.verification.contracts import SAME_DIRECTION, cosine
from deployments.verification.findings import Finding, Outcome, failed, ok
from deployments.verification.settings_facts import BY_NATURE, compared
from pipeline.store.schema_changes import contracted
from pipeline.store.structure import Structure, differences
from stages.transport_findings import State, TransportFinding

_KEYS = tuple(Deployment.model_fields)
_MIGRATE = "Migrate to the release's schema; what somebody changed by hand, change back."
_SETTING = "Set it alike in the environment's file, or record the baseline anew."
_DEPLOY = "Deploy the release again: `navigator deploy`, or `prefect --no-prompt deploy --all`."
_MODEL = "Name the model of the baseline in the settings; another one needs a baseline of its own."
_STRANGER = "Readers see what is not theirs: stop the API, and look at roles and policies."
_WORKERS = "Workers of another release serve the pool: end them, and start the release's own."
_CANARY = "The environment reads, cuts or judges documents otherwise: compare settings and release."


def compare_structure(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
    """Every table, column, index, policy … that is not as in the baseline."""
    before, there = Structure.from_json(expected), Structure.from_json(found)
    # what was taken away from one of the two already is no difference
    listed = differences(
        contracted(before, there.contractions), contracted(there, before.contractions)
    )
    for each in listed:
        where = f" of {each.partition}" if each.partition else ""
        yield failed(
            "structure",
            f"{each.kind} {each.name}{where}",
            each.expected or "nothing of that name",
            each.found or "nothing",
            _MIGRATE,
        )
    if not listed:
        yield ok("structure", "all of it", f"{len(there.facts)} objects, schema {there.revision}")


def judge_connections(found: Iterable[TransportFinding]) -> list[Finding]:
    """Whether each connection that leaves the machine is protected; the rest is told."""
    outcomes = {State.OK: Outcome.OK, State.NOTE: Outcome.TOLD, State.PROBLEM: Outcome.FAILED}
    return [
        Finding(
            "connections",
            each.name,
            outcomes[each.state],
            expected="TLS" if each.state is State.PROBLEM else "",
            found=each.detail,
            remedy=each.remedy,
        )
        for each in found
    ]


def compare_settings(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
    """Every setting that differs, those that may by nature too."""
    before, now = compared(expected), compared(found)
    differing = sorted(
        name for name in before.keys() | now.keys() if before.get(name) != now.get(name)
    )
    for name in differing:
        yield failed("settings", name, before.get(name), now.get(name), _SETTING)
    if not differing:
        yield ok("settings", "all that are compared", f"{len(now)} settings")
    for name in sorted(BY_NATURE):
        if expected.get(name) != found.get(name):
            told = (str(expected.get(name)), str(found.get(name)))
            yield Finding("settings", name, Outcome.TOLD, *told)


def compare_deployments(
    expected: Mapping[str, Deployment],
    found: Mapping[str, Deployment],
    declared: Mapping[str, FlowDeployment],
) -> Iterator[Finding]:
    """Every deployment of the baseline: the same flow and form, the environment's parameters.

    One that the environment does not have, or has switched off, is told.

    Args:
        declared: by the environment.
    """
    for name, wanted in sorted(expected.items()):
        here, there = declared.get(name), found.get(name)
        if here is None or not here.enabled:
            told = "switched off" if here is not None else "not declared"
            yield Finding("deployments", name, Outcome.TOLD, found=f"{told} in this environment")
            continue
        if there is None:
            yield failed("deployments", name, wanted.entrypoint, "no such deployment", _DEPLOY)
            continue
        right = wanted.model_copy(update={"parameters": here.parameters})
        other = [key for key in _KEYS if getattr(right, key) != getattr(there, key)]
        if other:
            yield failed("deployments", name, _shown(right, other), _shown(there, other), _DEPLOY)
        else:
            yield ok("deployments", name)


def _shown(each: Deployment, keys: list[str]) -> str:
    return "; ".join(f"{key} {getattr(each, key)}" for key in keys)


def compare_contracts(expected: Contracts, found: Contracts) -> Iterator[Finding]:
    """What the embedder and the parser answered to the probe."""
    before, now = expected.embedder, found.embedder
    if before is not None and now is not None:
        for name in ("provider", "model", "dimension", "version", "norm", "has_request_id"):
            then, today = getattr(before, name), getattr(now, name)
            if then != today:
                yield failed("contracts", f"embedder {name}", then, today, _MODEL)
        if (before.tokens > 0) != (now.tokens > 0):
            yield failed("contracts", "embedder usage", before.tokens, now.tokens, _MODEL)
        alike = cosine(before, now)
        if alike < SAME_DIRECTION:
            expecting = f"a cosine of at least {SAME_DIRECTION}"
            yield failed("contracts", "embedder vector", expecting, f"{alike:.4f}", _MODEL)
        else:
            yield ok("contracts", "embedder vector", f"cosine {alike:.6f} with the recorded one")
    for name in ("parser", "chunker", "service"):
        then, today = getattr(expected.parser, name), getattr(found.parser, name)
        if then != today:
            yield failed("contracts", name, then, today, _SETTING)
        else:
            yield ok("contracts", name, str(today or "none: files are read here"))


def compare_documents(expected: Corpus, found: Corpus) -> Iterator[Finding]:
    """Every canary: its end, its text, its chunks; each time the same."""
    for name in sorted(expected.documents.keys() | found.documents.keys()):
        before, now = expected.documents.get(name), found.documents.get(name)
        if before is None or now is None:
            yield failed("canaries", name, _state(before), _state(now), _CANARY)
        elif name in found.varying:
            yield failed("canaries", name, "the same each time", "not the same", _CANARY)
        elif other := _other(before, now):
            then, today = other
            yield failed("canaries", name, then, today, _CANARY)
        else:
            yield ok("canaries", name, _told(now))


def _state(found: CanaryDocument | None) -> str:
    return "no such document" if found is None else found.state


def _other(before: CanaryDocument, now: CanaryDocument) -> tuple[str, str] | None:
    """In what a document ended otherwise, before and now; None when in nothing."""
    for key in CanaryDocument.model_fields:
        then, today = getattr(before, key), getattr(now, key)
        if then == today:
            continue
        if key == "chunks":
            equal = sum(each in then for each in today)
            return f"{len(then)} chunks", f"{len(today)} chunks, {equal} of them as recorded"
        return f"{key} {then}", f"{key} {today}"
    return None


def _told(found: CanaryDocument) -> str:
    parts = [found.state.replace("_", " "), found.error or ""]
    parts += [f"{len(found.chunks)} chunks" if found.chunks else "", *found.gaps]
    return ", ".join(filter(None, parts))


def compare_answers(expected: Corpus, found: Corpus) -> Iterator[Finding]:
    """Every question: the same passages in the same order; and a stranger gets none."""
    before = {each.question: each for each in expected.answers}
    now = {each.question: each for each in found.answers}
    for question in dict.fromkeys([*before, *now]):
        then, today = before.get(question), now.get(question)
        if then is not None and today is not None and then.passages == today.passages:
            yield ok("answers", question, _named(today))
        else:
            yield failed("answers", question, _named(then), _named(today), _CANARY)
    if found.stranger:
        told = f"{found.stranger} passages"
        yield failed("answers", "a stranger's question", "no passage", told, _STRANGER)
    else:
        yield ok("answers", "a stranger's question", "no passage of another user")


def _named(answer: Answer | None) -> str:
    if answer is None:
        return "not asked"
    pairs = zip(answer.documents, answer.passages, strict=True)
    return ", ".join(f"{name} {passage[:8]}" for name, passage in pairs) or "no passage"


def compare_release(expected: str | None, found: Corpus) -> Finding:
    """Whether the processes that worked on the canaries run the release that is verified."""
    there = ", ".join(each or "a checkout" for each in found.releases)
    if expected is None:
        return Finding("release", "workers", Outcome.TOLD, found=there)
    if found.releases == (expected,):
        return ok("release", "workers", there)
    return failed("release", "workers", expected, there, _WORKERS)
