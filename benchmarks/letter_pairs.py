"""Makes the letter model's data (`assessment/letter_pairs.json` of `pipeline/parsing/`) from texts.

    python -m benchmarks.letter_pairs FOLDER

FOLDER holds one text for each language, named by its code (`en.txt`). The data at hand were made
from the Universal Declaration of Human Rights, which is in the public domain; only which letters
follow which is kept of it.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from pathlib import Path

from pipeline.parsing.assessment.letters import PAIRS_FILE, as_spoken, script_of

USUAL_SHARE = 0.01
"""A pair is usual when it is at least this share of what follows its first letter."""
_LEAST_LETTERS = 2_000


def usual_pairs(text: str) -> str:
    """The usual pairs of a text's letters, one behind the other; a space is a word's edge."""
    words = [word for word in as_spoken(text) if script_of(word[0])]
    line = f" {' '.join(words)} "
    if len(line) < _LEAST_LETTERS:
        return ""
    pairs = Counter(itertools.pairwise(line))
    follow: Counter[str] = Counter()
    for (first, _), count in pairs.items():
        follow[first] += count
    usual = [pair for pair, count in pairs.items() if count >= USUAL_SHARE * follow[pair[0]]]
    return "".join(first + second for first, second in sorted(usual))


def main(folder: Path) -> None:
    """Write the data file."""
    found = {
        path.stem: usual_pairs(path.read_text("utf-8")) for path in sorted(folder.glob("*.txt"))
    }
    kept = {language: pairs for language, pairs in found.items() if pairs}
    PAIRS_FILE.write_text(json.dumps(kept, ensure_ascii=False, indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
