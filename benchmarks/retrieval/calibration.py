"""`python -m benchmarks.retrieval.calibration --sets FOLDER …`: fits what a relevance means.

Every set is asked its own questions, and questions that its documents do not answer: general
knowledge, those of the other sets (not of `--related` ones, whose documents may answer them), and
what its own file marks as without an answer. Each set in turn is left out of the fit and judged by
it; the table says what share of unanswerable questions is recognized there, and of answerable ones
lost. `--write` fits over all sets and writes `pipeline/ranking/calibration.json`. With several
folders of work, of chunks of different sizes (`NAVIGATOR_CHUNK_TOKENS` at the first run of each),
all of them are fitted on, and each is judged; a set is left out of all at once.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.retrieval import ours
from benchmarks.retrieval.logistic import Figures, Fit, fit
from benchmarks.retrieval.scores import touches
from benchmarks.retrieval.sets import QuestionSet, SetQuestion, read_set
from clients.local.word_vectors import word_vectors
from pipeline.ranking.calibration import Calibration, Logistic
from pipeline.ranking.fusion import CANDIDATES, Fusion, fusion_of
from pipeline.ranking.relevance import JUDGED, Asked, Evidence

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "pipeline" / "ranking" / "calibration.json"
FOREIGN = 40
"""Questions of each other set."""
LOST = 0.04
"""So many answerable questions may be lost, on the mean over sets that were not fitted on."""

_ASKED = ("small_scope", "length")
MODES: Mapping[str, tuple[str, ...]] = {
    "hybrid": ("has", "has_alone", "nearest", "stands_out", "agreement", *_ASKED),
    "vector": ("has", "has_alone", "nearest", "stands_out", *_ASKED),
    "text": ("has", "has_alone", *_ASKED),
    "words": ("covered", "words_stand_out", *_ASKED),
}
"""The figures of an answer, by the mode of its search; words: by words without word vectors."""
OF_PASSAGES: Mapping[str, tuple[str, ...]] = {
    "hybrid": ("has", "by_meaning", "by_words", *_ASKED),
    "vector": ("has", "by_meaning", *_ASKED),
    "text": ("has", "by_words", *_ASKED),
    "words": ("covered", "by_words", *_ASKED),
}
BY_WORDS = ("text", "words")


@dataclass(frozen=True, slots=True)
class Passage:
    """As `pipeline.ranking.relevance.Found`."""

    text: str
    heading_path: Sequence[str]
    context: str
    similarity: float | None
    vector_rank: int | None
    text_rank: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """An asked question with what is known of its answer.

    Attributes:
        work: where it was asked. kind: own (it has an answer), general, foreign, or hard: of the
            set's own domain.
        passages: the figures of each judged passage, and whether it answers.
    """

    of: str
    work: str
    kind: str
    figures: Figures
    passages: tuple[tuple[Figures, bool], ...]

    @property
    def answerable(self) -> bool:
        """Whether the documents hold an answer."""
        return self.kind == "own"


def unanswerable(
    question_set: QuestionSet, others: Sequence[QuestionSet], related: frozenset[str]
) -> list[SetQuestion]:
    """Questions that the set's documents do not answer, beside those that its file marks."""
    lines = (HERE / "general_questions.txt").read_text().splitlines()
    made = [SetQuestion(f"general:{n}", text, ()) for n, text in enumerate(lines)]
    for other in others:
        if other.name == question_set.name or {other.name, question_set.name} <= related:
            continue
        texts = sorted((q.text for q in other.questions if q.targets), key=_hash)[:FOREIGN]
        made += [SetQuestion(f"foreign:{other.name}:{n}", text, ()) for n, text in enumerate(texts)]
    return made


def samples(
    question_set: QuestionSet,
    observed: Mapping[str, Any],
    fusion: Fusion,
    usual: float,
    mode: str,
    work: str = "",
) -> Iterator[Sample]:
    """The figures of every question that was asked of a set, as a search in a mode has them."""
    unfitted = Logistic(0.0, {})
    calibration = Calibration(unfitted, unfitted, 0.0, usual, similarities=mode not in BY_WORDS)
    vectors = None if mode == "words" else word_vectors()
    targets = {each.id: each.targets for each in question_set.questions}
    for asked in observed["questions"]:
        kind = asked["id"].split(":")[0]
        if kind not in ("general", "foreign"):
            kind = "own" if targets[asked["id"]] else "hard"
        near = [_Scored(*each) for each in asked["vector"][:CANDIDATES] if mode not in BY_WORDS]
        words = [_Scored(*each) for each in asked["words"][:CANDIDATES] if mode != "vector"]
        best = _best(near, words, fusion, mode)
        given = _passages(observed["passages"], best, near, words)
        evidence = Evidence.of(near, words, asked["scope"])
        figures = Asked(asked["text"], given, evidence, calibration, vectors)
        right = [
            any(touches(t, passage) for t in targets.get(asked["id"], ()))
            for passage in ours.ranked(dict(observed), best)
        ]
        passages = tuple((figures.figures_of(n), good) for n, good in enumerate(right))
        yield Sample(question_set.name, work, kind, figures.figures, passages)


@dataclass(frozen=True, slots=True)
class _Scored:
    chunk_id: Any
    score: float


def _best(
    near: Sequence[_Scored], words: Sequence[_Scored], fusion: Fusion, mode: str
) -> list[str]:
    if mode != "hybrid":
        return [each.chunk_id for each in [*near, *words][:JUDGED]]
    scores: dict[Any, float] = fusion.scores(near, words)
    return sorted(scores, key=lambda each: (-scores[each], each))[:JUDGED]


def _passages(
    known: Mapping[str, Any], best: Sequence[str], near: Sequence[_Scored], words: Sequence[_Scored]
) -> list[Passage]:
    similar = {each.chunk_id: each.score for each in near}
    by_meaning = {each.chunk_id: rank for rank, each in enumerate(near, 1)}
    by_words = {each.chunk_id: rank for rank, each in enumerate(words, 1)}
    return [
        Passage(
            known[each]["text"],
            known[each]["heading_path"],
            known[each]["context"],
            similar.get(each),
            by_meaning.get(each),
            by_words.get(each),
        )
        for each in best
    ]


def balanced(given: Sequence[tuple[str, str]]) -> list[float]:
    """Weights by which each set, and in it each kind of question, counts the same.

    Args:
        given: set and kind of each sample.
    """
    counts = Counter(given)
    # one half of the weight is on answerable questions
    kinds = {of: {k for o, k in counts if o == of and k != "own"} for of, _ in counts}
    return [
        1 / counts[of, kind] / (1 if kind == "own" else max(1, len(kinds[of])))
        for of, kind in given
    ]


def fit_answers(given: Sequence[Sample], names: Sequence[str]) -> Fit:
    """Fit the answers of samples."""
    share = balanced([(each.of + each.work, each.kind) for each in given])
    return fit([s.figures for s in given], [s.answerable for s in given], share, names)


Judged = list[tuple[Sample, float]]


def held_out(given: Sequence[Sample], names: Sequence[str]) -> dict[str, Judged]:
    """Of each set, its samples with their relevance by a fit on the other sets."""
    found: dict[str, Judged] = {}
    for of in sorted({each.of for each in given}):
        model = fit_answers([each for each in given if each.of != of], names)
        mine = [each for each in given if each.of == of]
        found[of] = list(zip(mine, map(float, model([s.figures for s in mine])), strict=True))
    return found


def threshold_of(judged: Mapping[str, Judged]) -> float:
    """The highest at which no more than `LOST` are lost, on the mean over the sets."""
    own = [np.array([p for s, p in rows if s.answerable]) for rows in judged.values()]
    steps = [each / 200 for each in range(200)]
    return max(t for t in steps if np.mean([np.mean(each < t) for each in own]) <= LOST)


def unseen_thresholds(given: Sequence[Sample], names: Sequence[str]) -> dict[str, float]:
    """For each set the threshold that the others give, each of them judged by a fit without it."""
    return {
        of: threshold_of(held_out([each for each in given if each.of != of], names))
        for of in {each.of for each in given}
    }


def table(judged: Mapping[str, Judged], thresholds: Mapping[str, float], work: str) -> str:
    """What is lost of each set, and what is recognized; with 95 % intervals over all sets.

    Args:
        work: only what was asked there.
    """
    kinds = ("own", "general", "foreign", "hard")
    lines = [
        "| held out | threshold | lost | general | foreign | hard |",
        "|---|---|---|---|---|---|",
    ]
    below: dict[str, list[list[bool]]] = {kind: [] for kind in kinds}
    for of, rows in judged.items():
        cells = []
        for kind in kinds:
            found = [p < thresholds[of] for s, p in rows if (s.kind, s.work) == (kind, work)]
            told = f"{sum(found)} of {len(found)} ({np.mean(found):.0%})" if found else "–"
            cells.append(told)
            below[kind] += [found] if found else []
        lines.append(f"| {of} | {thresholds[of]:.3f} | " + " | ".join(cells) + " |")
    means = [_mean_of_sets(below[kind]) for kind in kinds]
    return "\n".join([*lines, "| mean | | " + " | ".join(means) + " |"])


def _mean_of_sets(found: Sequence[Sequence[bool]]) -> str:
    """The mean over sets, with an interval by resampling the questions of each."""
    if not found:
        return "–"
    rng = np.random.default_rng(20_261_127)
    made = np.mean([rng.choice(each, (2_000, len(each))).mean(1) for each in found], axis=0)
    low, high = np.percentile(made, [2.5, 97.5])
    return f"{np.mean([np.mean(each) for each in found]):.0%} ({low:.0%}–{high:.0%})"


def profile(given: Sequence[Sample], usual: float, mode: str) -> dict[str, Any]:
    """What is written for a mode: both models, fitted on all sets."""
    names = MODES[mode]
    rows = [(s, figures, good) for s in given for figures, good in s.passages]
    share = balanced([(s.of + s.work, "own" if good else "other") for s, _, good in rows])
    figures, right = [row[1] for row in rows], [row[2] for row in rows]
    passage = fit(figures, right, share, OF_PASSAGES[mode])
    return {
        "answer": fit_answers(given, names).data(),
        "passage": passage.data(),
        "threshold": threshold_of(held_out(given, names)),
        "usual_similarity": round(usual, 4),
        "questions": dict(Counter(each.of for each in given)),
    }


def usual_similarity(observed: Sequence[Mapping[str, Any]]) -> float:
    """The median over questions of the fiftieth passage's similarity, or the last one's."""
    found = [
        min(each["vector"][:50], key=lambda pair: pair[1])[1]
        for one in observed
        for each in one["questions"]
        if each["vector"]
    ]
    return float(np.median(found))


def main() -> None:
    """Ask, fit, judge what was left out."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.retrieval.calibration", description=__doc__
    )
    parser.add_argument("--sets", nargs="+", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--work",
        type=Path,
        nargs="+",
        required=True,
        help="as of `python -m benchmarks.retrieval`; one for each size of chunks",
    )
    parser.add_argument("--related", nargs="*", default=(), help="names of sets of one domain")
    parser.add_argument("--documents", type=int, default=2_500)
    parser.add_argument("--provider", default="local", help="of the embedding space")
    parser.add_argument("--name", default="static", help="of the fit, in the file")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    sets = [read_set(folder, options.documents) for folder in options.sets]
    related = frozenset(options.related)
    observed: dict[str, list[dict[str, Any]]] = {}
    for work in options.work:
        ours.configure(work / "home")
        observed[work.name] = [_observed(each, sets, related, work) for each in sets]
    usual = usual_similarity([one for found in observed.values() for one in found])
    fusion = fusion_of(options.provider)
    made: dict[str, Any] = {}
    for mode, names in MODES.items():
        given = [
            one
            for work, found in observed.items()
            for a, b in zip(sets, found, strict=True)
            for one in samples(a, b, fusion, usual, mode, work)
        ]
        judged, thresholds = held_out(given, names), unseen_thresholds(given, names)
        for work in observed:
            print(f"\n{mode}, {work}\n\n{table(judged, thresholds, work)}")
        made[mode] = profile(given, usual, mode)
    if options.write:
        _write(made, options.name)


def _write(made: dict[str, Any], name: str) -> None:
    kept = json.loads(DATA.read_text())
    kept |= {mode: made.pop(mode) for mode in BY_WORDS}
    kept["spaces"][name] = made
    DATA.write_text(json.dumps(kept, indent=1) + "\n")


def _observed(
    question_set: QuestionSet, sets: Sequence[QuestionSet], related: frozenset[str], work: Path
) -> dict[str, Any]:
    path = work / f"{question_set.name}-calibration.json"
    found = ours.kept(path)
    if found is None:
        ours.ingest(question_set, work)
        asked = [*question_set.questions, *unanswerable(question_set, sets, related)]
        found = asyncio.run(ours.observe(question_set, asked))
        path.write_text(json.dumps(found))
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
