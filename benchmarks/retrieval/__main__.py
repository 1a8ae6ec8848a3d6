"""`python -m benchmarks.retrieval --sets FOLDER …`: how well questions are answered.

Each folder holds a question set that you have downloaded (see `benchmarks/retrieval/sets.py` for
the forms, docs/retrieval.md for where to get some). Its documents go through the whole pipeline
into an embedded Postgres below --work; `--contestants PYTHON` names an environment with other
libraries (see `benchmarks/retrieval/contestants.py`).
Prints Markdown, and writes it with the JSON to `benchmarks/results/`. Only questions with an answer
count here; `python -m benchmarks.retrieval.calibration` is about the others.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.retrieval import others, ours
from benchmarks.retrieval.scores import METRICS, interval, score, summarize
from benchmarks.retrieval.sets import QuestionSet, SetQuestion, read_set

RESULTS = Path(__file__).parents[1] / "results"
OURS = "Insurance Navigator, hybrid"
Scores = dict[str, list[dict[str, float]]]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__)
    parser.add_argument("--sets", nargs="+", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--work", type=Path, help="kept for the next time; else a new folder")
    parser.add_argument("--contestants", type=Path, metavar="PYTHON")
    parser.add_argument("--documents", type=int, default=2_500, help="of a BEIR set, at most")
    parser.add_argument("--again", action="store_true", help="ask again what was kept in --work")
    return parser.parse_args()


def main() -> None:
    """Ask every set of everybody, and print what came of it."""
    options = arguments()
    work = options.work or Path(tempfile.mkdtemp(prefix="retrieval-"))
    ours.configure(work / "home")
    found = {}
    for folder in options.sets:
        question_set = read_set(folder, options.documents)
        found[question_set.name] = _measure(question_set, work, options)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    report = {"at": at, "load": round(os.getloadavg()[0], 1), "sets": found}
    RESULTS.mkdir(exist_ok=True)
    name = "retrieval-" + at.replace(":", "").replace("+0000", "Z")
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1))
    table = "\n".join(markdown(name, each) for name, each in found.items())
    (RESULTS / f"{name}.md").write_text(table)
    print(table)


def _measure(question_set: QuestionSet, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    questions = [each for each in question_set.questions if each.targets]
    scores = _of_ours(question_set, questions, work, options.again)
    if options.contestants:
        folder = work / "contestants" / question_set.name
        given = others.answers(options.contestants, question_set, questions, folder)
        for name, answers in given.items():
            rows = [_within(q, answer) for q, answer in zip(questions, answers, strict=True)]
            scores[name] = [score(q, row) for q, row in zip(questions, rows, strict=True)]
    return {
        "questions": len(questions),
        "note": question_set.note,
        "scores": {name: _intervals(rows) for name, rows in scores.items()},
        "ours_better_by": {
            name: _differences(scores[OURS], rows) for name, rows in scores.items() if name != OURS
        },
    }


def _of_ours(
    question_set: QuestionSet, questions: Sequence[SetQuestion], work: Path, again: bool
) -> Scores:
    path = work / f"{question_set.name}.json"
    observed = None if again else ours.kept(path)
    if observed is None:
        ours.ingest(question_set, work)
        observed = asyncio.run(ours.observe(question_set, questions))
        path.write_text(json.dumps(observed))
    asked = {each["id"]: each for each in observed["questions"]}
    lists: Mapping[str, Callable[[dict[str, Any]], list[str]]] = {
        OURS: lambda each: each["hybrid"],
        "ours, words alone": lambda each: [found for found, _ in each["words"]],
        "ours, vectors alone": lambda each: [found for found, _ in each["vector"]],
    }
    return {
        name: [score(q, ours.ranked(observed, chosen(asked[q.id])[:20])) for q in questions]
        for name, chosen in lists.items()
    }


def _within(question: SetQuestion, answer: Sequence[Any]) -> list[Any]:
    """Their stores were asked for the whole set: what is of other documents is left out."""
    return [each for each in answer if question.within in (None, each.document)]


def _intervals(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    return {metric: _triple(found) for metric, found in summarize(rows).items()}


def _differences(
    mine: Sequence[Mapping[str, float]], theirs: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    pairs = list(zip(mine, theirs, strict=True))
    return {
        metric: _triple(interval([a[metric] - b[metric] for a, b in pairs])) for metric in METRICS
    }


def _triple(found: Any) -> list[float]:
    return [round(found.mean, 4), round(found.low, 4), round(found.high, 4)]


def markdown(name: str, measured: Mapping[str, Any]) -> str:
    """The table of one set."""
    lines = [
        f"### {name}: {measured['questions']} questions"
        + (f" ({measured['note']})" if measured["note"] else ""),
        "",
        "| | " + " | ".join(METRICS) + " | ours is better by (nDCG@10) |",
        "|---|" + "---|" * (len(METRICS) + 1),
    ]
    for who, found in measured["scores"].items():
        cells = [f"{m:.3f} ({low:.3f}–{high:.3f})" for m, low, high in found.values()]
        better = measured["ours_better_by"].get(who)
        told = "{:+.3f} ({:+.3f} to {:+.3f})".format(*better["ndcg@10"]) if better else ""
        lines.append(f"| {who} | " + " | ".join(cells) + f" | {told} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
