"""Compares two sides that the same corpus went through: neither is right, both are told."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deployments.verification.baseline import Answer, Baseline, CanaryDocument, Corpus
from deployments.verification.settings_facts import compared
from deployments.verification.speed import stage_ratios
from pipeline.errors import UsageError


@dataclass(frozen=True, slots=True)
class DocumentPair:
    """One document on both sides; None: not there.

    Attributes:
        same_text: whether the same was read.
        same_chunks: chunks that both sides have, by their text.
    """

    name: str
    states: tuple[str | None, str | None]
    characters: tuple[int, int]
    chunks: tuple[int, int]
    same_text: bool
    same_chunks: int


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """One question on both sides.

    Attributes:
        overlap: share of the passages that both gave, by document and text.
        same_first: whether the best one is the same.
    """

    question: str
    documents: tuple[tuple[str, ...], tuple[str, ...]]
    overlap: float
    same_first: bool


@dataclass(frozen=True, slots=True)
class StagePair:
    """One stage's times on both sides, and how many times as long B takes, with its interval."""

    stage: str
    seconds: tuple[float, float]
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Everything of two sides.

    Attributes:
        names: as a person named them.
        settings: that differ, of those that should not.
    """

    names: tuple[str, str]
    documents: Sequence[DocumentPair]
    answers: Sequence[AnswerPair]
    stages: Sequence[StagePair]
    settings: dict[str, tuple[Any, Any]]
    usd: tuple[float, float]
    services: tuple[str, str]

    @property
    def statistics(self) -> dict[str, float]:
        """The shares and means over all documents and questions."""
        both = [each for each in self.documents if None not in each.states]
        chunks = sum(max(each.chunks) for each in both)
        return {
            "documents": len(self.documents),
            "same_state": _share([each.states[0] == each.states[1] for each in self.documents]),
            "same_text": _share([each.same_text for each in both]),
            "same_chunks": sum(each.same_chunks for each in both) / chunks if chunks else 1.0,
            "characters_ratio": _ratio([each.characters for each in both]),
            "chunks_ratio": _ratio([each.chunks for each in both]),
            "same_first_answer": _share([each.same_first for each in self.answers]),
            "answer_overlap": _mean([each.overlap for each in self.answers]),
        }

    def as_json(self) -> dict[str, Any]:
        """Everything, for a program."""
        return {
            "sides": list(self.names),
            "services": list(self.services),
            "cost_usd": list(self.usd),
            "statistics": {name: round(value, 4) for name, value in self.statistics.items()},
            "settings": {name: list(pair) for name, pair in self.settings.items()},
            "documents": [asdict(each) for each in self.documents],
            "answers": [asdict(each) for each in self.answers],
            "stages": [asdict(each) for each in self.stages],
        }


def side_by_side(names: tuple[str, str], a: Baseline, b: Baseline) -> SideBySide:
    """Two records of the same corpus.

    Raises:
        UsageError: the corpora are not the same.
    """
    if a.corpus.version != b.corpus.version:
        raise UsageError(
            f"{names[0]} and {names[1]} had different documents.",
            remedy="Record both with the same version of the program, and with the same files.",
        )
    return corpora_side_by_side(
        names,
        (a.corpus, b.corpus),
        settings=_settings(a, b),
        services=(_services(a), _services(b)),
    )


def corpora_side_by_side(
    names: tuple[str, str],
    sides: tuple[Corpus, Corpus],
    *,
    settings: dict[str, tuple[Any, Any]],
    services: tuple[str, str],
) -> SideBySide:
    """What came of the same documents on two sides."""
    a, b = sides
    return SideBySide(
        names=names,
        documents=list(_documents(a, b)),
        answers=list(_answers(a, b)),
        stages=list(_stages(a, b)),
        settings=settings,
        usd=(a.usd, b.usd),
        services=services,
    )


def _documents(a: Corpus, b: Corpus) -> Iterator[DocumentPair]:
    for name in sorted(a.documents.keys() | b.documents.keys()):
        pair = a.documents.get(name), b.documents.get(name)
        there = [each for each in pair if each is not None]
        texts = [each.text for each in there]
        yield DocumentPair(
            name=name,
            states=(_state(pair[0]), _state(pair[1])),
            characters=(_characters(pair[0]), _characters(pair[1])),
            chunks=(len(_texts(pair[0])), len(_texts(pair[1]))),
            same_text=len(there) == 2 and texts[0] == texts[1],
            same_chunks=_in_common(_texts(pair[0]), _texts(pair[1])),
        )


def _state(found: CanaryDocument | None) -> str | None:
    return found.state if found is not None else None


def _characters(found: CanaryDocument | None) -> int:
    return (found.characters or 0) if found is not None else 0


def _texts(found: CanaryDocument | None) -> list[str]:
    return [text for _, text in found.chunks] if found is not None else []


def _in_common(one: Sequence[str], other: Sequence[str]) -> int:
    left = list(other)
    for each in one:
        if each in left:
            left.remove(each)
    return len(other) - len(left)


def _answers(a: Corpus, b: Corpus) -> Iterator[AnswerPair]:
    others = {each.question: each for each in b.answers}
    for one in a.answers:
        if (other := others.get(one.question)) is None:
            continue
        left, right = _passages(a, one), _passages(b, other)
        most = max(len(left), len(right))
        yield AnswerPair(
            question=one.question,
            documents=(one.documents, other.documents),
            overlap=_in_common(left, right) / most if most else 1.0,
            same_first=left[:1] == right[:1],
        )


def _passages(corpus: Corpus, answer: Answer) -> list[str]:
    """The passages by document and text: ids are other ones where chunkers differ."""
    texts = {chunk: text for each in corpus.documents.values() for chunk, text in each.chunks}
    pairs = zip(answer.documents, answer.passages, strict=True)
    return [f"{name} {texts.get(chunk, chunk)}" for name, chunk in pairs]


def _stages(a: Corpus, b: Corpus) -> Iterator[StagePair]:
    for stage, ratio in stage_ratios(a.repetitions, b.repetitions):
        seconds = [
            statistics.median(each.stages[stage] for each in side if stage in each.stages)
            for side in (a.repetitions, b.repetitions)
        ]
        yield StagePair(stage, (seconds[0], seconds[1]), ratio.ratio, ratio.low, ratio.high)


def _settings(a: Baseline, b: Baseline) -> dict[str, tuple[Any, Any]]:
    one, other = compared(a.settings), compared(b.settings)
    names = sorted(one.keys() | other.keys())
    return {
        name: (one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)
    }


def _services(side: Baseline) -> str:
    embedder = side.contracts.embedder
    asked = side.contracts.parser.service or side.contracts.parser.parser
    model = f"{embedder.provider}/{embedder.model}" if embedder is not None else "no embedder"
    return f"{asked}, {model}, release {side.release or 'none (a checkout)'}"


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 1.0


def _mean(found: Sequence[float]) -> float:
    return statistics.fmean(found) if found else 1.0


def _ratio(pairs: Sequence[tuple[int, int]]) -> float:
    """How much more B has than A, over all."""
    total = sum(one for one, _ in pairs)
    return sum(other for _, other in pairs) / total if total else 1.0
