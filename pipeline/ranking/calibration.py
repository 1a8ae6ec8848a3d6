"""Reads what relevance means: fitted coefficients and thresholds, which are data.

They are fitted by `python -m benchmarks.retrieval.calibration` on questions with and without an
answer, for each kind of embedding space and for words alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted logistic regression.

    Attributes:
        intercept, coefficients: over the figures as they are, not standardized.
    """

    intercept: float
    coefficients: Mapping[str, float]

    def probability(self, figures: Mapping[str, float]) -> float:
        """Between 0 and 1."""
        total = self.intercept + sum(c * figures[n] for n, c in self.coefficients.items())
        return 1 / (1 + exp(-max(-60.0, min(60.0, total))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of an embedding space, or of words alone.

    Attributes:
        similarities: whether those of the space were fitted; else they say nothing.
        wording: whether the wording was; else only the words that a passage holds are.
        answer: probability that the passages answer at all. passage: that one of them does.
        threshold: of the answer; below it nothing fits.
        usual_similarity: of a passage that has nothing to do with the question.
    """

    answer: Logistic
    passage: Logistic
    threshold: float
    usual_similarity: float
    similarities: bool = False
    wording: bool = True


@cache
def calibration_of(provider: str, mode: str, *, wording: bool = True) -> Calibration:
    """The calibration of an embedding space, by the provider of its vectors.

    What similarities mean is another matter in every space: one that nothing was fitted for is
    judged by its words and their meaning, as a search by words is.

    Args:
        mode: hybrid, vector or text. wording: whether there are word vectors.
    """
    data = json.loads((files("pipeline.ranking") / "calibration.json").read_text("utf-8"))
    space = data["spaces"].get(data["profiles"].get(provider), {})
    own = space.get(mode) if wording else None
    fitted = own or data["text" if wording else "words"]
    return Calibration(
        Logistic(fitted["answer"]["intercept"], fitted["answer"]["coefficients"]),
        Logistic(fitted["passage"]["intercept"], fitted["passage"]["coefficients"]),
        fitted["threshold"],
        fitted["usual_similarity"],
        similarities=own is not None,
        wording=wording,
    )
