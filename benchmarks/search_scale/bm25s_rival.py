"""Asks bm25s the same questions, in an environment of its own that has bm25s and numpy.

`PYTHON -m benchmarks.search_scale.bm25s_rival --passages 1000000`, from the top of a checkout. Its
index is in memory, of one user's passages, and made of the words' numbers: nothing is cut there.
"""

from __future__ import annotations

import argparse
import resource
import time

import bm25s
import numpy as np

from benchmarks.search_scale.passages import VOCABULARY, groups, questions

TOP = 10


def main() -> None:
    """Index, ask, and print a row of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=200)
    options = parser.parse_args()
    started = time.process_time()
    rows = [row for group in groups(options.passages) for row in group.words.astype(np.int32)]
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    words = {str(number): number for number in range(VOCABULARY)}
    index.index((rows, words), show_progress=False)
    built = time.process_time() - started
    waited, busy = [], []
    for asked in questions(options.questions, options.passages, 1):
        began, used = time.perf_counter(), time.process_time()
        index.retrieve([[str(number) for number in asked.numbers]], k=TOP, show_progress=False)
        waited.append(1000 * (time.perf_counter() - began))
        busy.append(1000 * (time.process_time() - used))
    figures = [*np.percentile(waited, [50, 95]), *np.percentile(busy, [50, 95])]
    print(
        f"| bm25s {bm25s.__version__}, words | {' | '.join(f'{each:.0f} ms' for each in figures)} |"
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"built in {built:,.0f} s of processor, {memory:,.0f} MB of memory")


if __name__ == "__main__":
    main()
