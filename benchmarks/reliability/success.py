"""R1: of a thousand mixed documents, how many end as they should."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.reliability.commands import Navigator
from benchmarks.reliability.mixed import Made, write_mixed
from benchmarks.servers import endpoint
from pipeline.states import ENDED, PUBLISHED, JobState

_PASSED_OVER = {"code": "passed over", "message": "by its ending", "remedy": "as the run says"}


def measure(scratch: Path, documents: int) -> dict[str, Any]:
    """Ingest the documents once, by the command; how each kind ended."""
    made = write_mixed(scratch / "documents", documents)
    with endpoint() as mock:
        variables = {"OPENAI_API_KEY": "sk-benchmark", "OPENAI_BASE_URL": mock.openai_url}
        started = time.monotonic()
        told = Navigator(scratch / "home", variables).json("ingest", scratch / "documents")
        seconds = time.monotonic() - started
        stats = mock.stats()
    found = judged(made, told)
    good, broken = _of(found, broken=False), _of(found, broken=True)
    return {
        "documents": documents,
        "seconds": round(seconds, 1),
        "good": len(good),
        "good_published": sum(each["published"] for each in good),
        "broken": len(broken),
        "broken_told": sum(each["told"] for each in broken),
        "unended": sum(not each["ended"] for each in found),
        "unexpected": [each for each in good if not each["published"]]
        + [each for each in broken if not each["told"]],
        "billed_tokens": stats["billed_tokens"],
        "told_tokens": sum(each["billed_tokens"] or 0 for each in told["documents"]),
        "repeated_inputs": stats["repeated_inputs"],
        "kinds": by_kind(found),
    }


def judged(made: list[Made], told: dict[str, Any]) -> list[dict[str, Any]]:
    """Of each file: whether its document ended, was published, and what was said of it."""
    known = {Path(each["source"]).name: each for each in told["documents"]}
    for each in told["rejected"]:
        known[Path(each["source"]).name] = {**each, "state": JobState.FAILED_PARSE}
    # what is passed over in a folder by its name is told by its ending
    passed = {"state": JobState.FAILED_PARSE, "error": _PASSED_OVER}
    known |= {m.path.name: passed for m in made if m.path.suffix in told["skipped"]}
    return [_judged(each, known.get(each.path.name, {})) for each in made]


def _judged(each: Made, found: dict[str, Any]) -> dict[str, Any]:
    error = found.get("error")
    published = found.get("state") in PUBLISHED
    noted = any(note.get("gap") for note in found.get("notes", ()))
    explained = bool(error and error["message"] and error["remedy"])
    return {
        "file": each.path.name,
        "kind": each.kind.name,
        "broken": each.kind.broken,
        "published": published,
        "ended": found.get("state") in ENDED,
        # read in part, with a note that says so, is as good as refused with a reason
        "told": explained or (published and noted),
        "code": error["code"] if error else "published with gaps" if noted else "published",
    }


def by_kind(found: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How many of each kind ended how."""
    kinds: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in found:
        kinds[each["kind"]][each["code"] if each["ended"] else "not ended"] += 1
    return {kind: dict(ends) for kind, ends in kinds.items()}


def _of(found: list[dict[str, Any]], *, broken: bool) -> list[dict[str, Any]]:
    return [each for each in found if each["broken"] == broken]
