"""The results as Markdown: each figure beside what was promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

RECOVERY_SECONDS = 120
RECOVERY_TIME_SECONDS = 300
COEFFICIENT = 0.10

_STATES = {
    "uploaded": "register",
    "parse_queued": "plan and claim",
    "parsed": "parse",
    "parse_validated": "validate",
    "chunks_stored": "chunk",
    "embeddings_stored": "embed",
    "complete": "gate and publish",
    "after it": "conclude the run",
}


def markdown(results: Mapping[str, Any]) -> str:
    """Every table of a run."""
    parts = []
    if found := results.get("success"):
        parts += [_table(_HEAD, _success(found)), _ends(found)]
        parts += [f"Unexpected: {each}" for each in found["unexpected"][:20]]
    if found := results.get("deaths"):
        killed = ("Killed", "Rounds", "p50", "p95", "Under way", "Not published", "Promised")
        parts.append(_table(killed, _deaths(found)))
    if found := results.get("variation"):
        parts.append(_table(_HEAD, _variation(found)))
        head = ("Part of a document's time", "Mean", "Deviation", "Coefficient")
        parts.append(_table(head, _where(found)))
    if found := results.get("recovery"):
        parts.append(_table(_HEAD, _recovery(found)))
    return "\n\n".join([*parts, results["machine"]]) + "\n"


_HEAD = ("Measured", "Value", "Promised")


def _success(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    yield _of("documents that can be read, published", found["good_published"], found["good"])
    yield _of("broken documents that say why", found["broken_told"], found["broken"])
    yield "documents that have not ended", str(found["unended"]), "0"
    told, billed = found["told_tokens"], found["billed_tokens"]
    yield "tokens on the documents' bills, of those billed", f"{told:,} of {billed:,}", "equal"
    yield "texts sent twice", str(found["repeated_inputs"]), "0"
    yield f"seconds for {found['documents']:,} documents", str(found["seconds"]), "reported"


def _of(what: str, part: int, whole: int) -> tuple[str, ...]:
    return what, f"{part} of {whole} ({part / max(whole, 1):.2%})", "all"


def _ends(found: Mapping[str, Any]) -> str:
    rows = [
        (kind, ", ".join(f"{count} {end}" for end, count in sorted(ends.items())))
        for kind, ends in found["kinds"].items()
    ]
    return _table(("Kind", "How they ended"), rows)


def _deaths(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for kind, each in found.items():
        yield (
            kind,
            str(each["rounds"]),
            f"{each['p50']:.1f} s",
            f"{each['p95']:.1f} s",
            str(each["under_way"]),
            str(each["not_published"]),
            f"p95 < {RECOVERY_SECONDS} s, 0 not published",
        )


def _variation(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    what = f"coefficient of variation of a document's time, {found['repeats']} times, "
    yield what + found["server"], f"{found['coefficient']:.1%}", f"< {COEFFICIENT:.0%}"
    times = f"{found['mean']:.3f} s, {found['p50']:.3f} s, {found['p95']:.3f} s"
    yield "mean, p50, p95 of it", times, "reported"


def _recovery(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for documents, each in found.items():
        name = f"{int(documents):,} documents: "
        beside = "while" if each["ingesting_meanwhile"] else "not while"
        took = f"{each['backup_seconds']} s, {each['backup_bytes'] / 1e6:,.1f} MB"
        yield f"{name}backup, {beside} others are taken in", took, "reported"
        held = f"{each['database_bytes'] / 1e6:,.1f} MB, {each['objects_bytes'] / 1e6:,.1f} MB"
        yield f"{name}database, stored files", held, "reported"
        point = (
            f"{each['backup_seconds']} s before it ended; of {each['accepted_of']:,} documents "
            f"{each['accepted']:,} accepted, {each['published']:,} published"
        )
        yield f"{name}recovery point (RPO)", point, "the backup's beginning"
        parts = "restore {restore_seconds}, up {up_seconds}, check {check_seconds}".format(**each)
        time = f"{each['rto_seconds']} s: {parts}"
        yield f"{name}recovery time (RTO)", time, f"< {RECOVERY_TIME_SECONDS} s"
        passed = "passed" if each["check_passed"] else "failed"
        yield f"{name}`navigator check` of what was restored", passed, "passed"
        went_on = each["went_on_seconds"]
        after = "they still wait" if went_on is None else f"{went_on} s after the check"
        yield f"{name}what was under way, published without a person", after, "< 120 s"
        other = f"{name}passages that differ from the destroyed home's"
        yield other, f"{each['passages_other']} of {each['passages']:,}", "0"
        again = f"{each['again_tokens']:,} of {each['all_tokens']:,}"
        yield f"{name}tokens bought again to be complete", again, "of what was not published alone"
        whole = "equal" if each["again_equal"] else "different"
        yield f"{name}then every text and vector of it", whole, "equal"


def _where(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, part in found["parts"].items():
        yield (
            _STATES.get(name, name),
            f"{part['mean'] * 1000:.1f} ms",
            f"{part['deviation'] * 1000:.1f} ms",
            f"{part['coefficient']:.0%}",
        )


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
