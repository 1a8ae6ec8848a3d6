"""The results as a Markdown table, each line with its floor, its ratio and what was promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_SERVERS = {"postgres": "Prefect on Postgres", "sqlite": "Prefect on SQLite (the default)"}
_STATES = {
    "parse_queued": "register, plan, claim",
    "parsed": "parse",
    "parse_validated": "validate",
    "chunks_stored": "chunk",
    "embeddings_stored": "embed",
    "complete": "gate and publish",
}


def markdown(results: Mapping[str, Any]) -> str:
    """Every table of a run."""
    parts = [_table(_HEAD, _rows(results))]
    for kind, server in results["servers"].items():
        if turns := server.get("throughput", {}).get("turns"):
            parts.append(_where(kind, turns[-1]))
    parts.append(results["machine"])
    parts += results["left_out"]
    return "\n\n".join(parts) + "\n"


_HEAD = ("Measured", "Ours", "Floor", "Ratio", "Promised")


def _rows(results: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for kind, server in results["servers"].items():
        name = _SERVERS[kind]
        for found in (server.get("throughput"), *server.get("sweep", ())):
            if found:
                yield _speed(found, f"{name}, {found['setting']}", kind)
        if found := server.get("changes"):
            yield from _changes(found, name)
        if found := server.get("per_document"):
            promised = "≥ 0.7" if kind == "postgres" else "reported"
            yield (
                f"a subflow with {found['tasks']} empty tasks, "
                f"{found['concurrency']} at once; {name}",
                f"{found['tasks_per_second']:.2f} subflows/s",
                f"{found['empty_per_second']:.2f} empty subflows/s",
                f"{found['tasks_ratio']:.2f}",
                "what Prefect leaves",
            )
            yield (
                f"a subflow for each document, {found['concurrency']} at once; {name}",
                f"{found['per_second']:.2f} subflows/s",
                f"{found['empty_per_second']:.2f} empty subflows/s",
                f"{found['ratio']:.2f}",
                promised,
            )
        yield from _memory(server.get("memory", {}), name)


def _speed(found: Mapping[str, Any], name: str, kind: str) -> tuple[str, ...]:
    return (
        f"{found['documents']:,} documents; {name}",
        f"{found['documents_per_second']:.0f} documents/s",
        f"{found['floor_documents_per_second']:.0f} documents/s",
        f"{found['ratio']:.2f}",
        "≥ 0.4" if kind == "postgres" else "reported",
    )


def _changes(found: Mapping[str, Any], name: str) -> Iterator[tuple[str, ...]]:
    yield (
        f"{found['documents']:,} unchanged documents again; {name}",
        f"{found['unchanged_seconds']:.2f} s, {found['unchanged_inputs']} inputs",
        "–",
        "–",
        "< 1 s, 0 inputs",
    )
    yield (
        f"a paragraph edited in each of {found['edited_documents']} documents; {name}",
        f"{found['edited_inputs']} inputs, {found['edited_seconds']:.2f} s",
        "–",
        "–",
        "≤ 30 inputs",
    )


def _memory(found: Mapping[str, Any], name: str) -> Iterator[tuple[str, ...]]:
    sizes = sorted(found, key=int)
    for size in sizes:
        one = found[size]
        growth = one["peak_megabytes"] / found[sizes[0]]["peak_megabytes"]
        yield (
            f"peak of memory, {int(size):,} documents; {name}",
            f"{one['peak_megabytes']:.0f} MB",
            "–",
            f"{growth:.2f} of the smallest corpus",
            "≤ 1.5",
        )
    if len(sizes) > 1:
        largest = found[sizes[-1]]
        yield (
            f"{int(sizes[-1]):,} documents, one turn; {name}",
            f"{largest['documents_per_second']:.0f} documents/s",
            f"{largest['documents_per_second'] / largest['ratio']:.0f} documents/s",
            f"{largest['ratio']:.2f}",
            "towards 0.8",
        )


def _where(kind: str, turn: Mapping[str, Any]) -> str:
    """Where a run's time went: seconds by stage of a batch, processor seconds by process."""
    stages = [
        (name, f"{turn['stages'][state]:.2f}")
        for state, name in _STATES.items()
        if state in turn["stages"]
    ]
    ours, below = turn["ours"], turn["floor"]
    processors = [("the process itself", *_seconds(ours, below, None))] + [
        (name, *_seconds(ours, below, name)) for name in ours["processors"]
    ]
    return "\n\n".join(
        (
            f"{_SERVERS[kind]}: seconds that a document's batch waited in each stage",
            _table(("Stage", "Seconds"), stages),
            f"{_SERVERS[kind]}: processor seconds, in {ours['seconds']:.1f} s for ours and "
            f"{below['seconds']:.1f} s for the floor",
            _table(("Process", "Ours", "Floor"), processors),
        )
    )


def _seconds(
    ours: Mapping[str, Any], below: Mapping[str, Any], process: str | None
) -> tuple[str, str]:
    if process is None:
        return f"{ours['processor_seconds']:.1f}", f"{below['processor_seconds']:.1f}"
    return f"{ours['processors'][process]:.1f}", f"{below['processors'].get(process, 0):.1f}"


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
