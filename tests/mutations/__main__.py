"""Take guards out of a copy of the program, one at a time, and see a test fail for each.

`python -m tests.mutations` tries all; names, or parts of names, choose some. It takes a quarter of
a minute for each mutation and prints a Markdown table. Exit code 0: every one was noticed.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from tests.mutations.catalog import MUTATIONS
from tests.mutations.mutation import DoesNotApply, Mutation
from tests.mutations.trial import Outcome, tree


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutations, or parts of names")
    parser.add_argument("--list", action="store_true", help="name them and what they take out")
    parser.add_argument("--file", help="only mutations of this file of the program")
    parser.add_argument("--skip-unmutated", action="store_true", help="not the whole tree first")
    return parser.parse_args()


def chosen(names: Sequence[str], file: str | None = None) -> list[Mutation]:
    """The mutations with these names in theirs; all without a name."""
    found = [m for m in MUTATIONS if not names or any(name in m.name for name in names)]
    return [m for m in found if file is None or m.file == file]


def tried(mutations: Sequence[Mutation], *, first_unmutated: bool) -> int:
    """Try them and print the table; the exit code."""
    with tree() as copy:
        if first_unmutated:
            before = copy.unmutated(mutations)
            if before.code != 0:
                _say(before.output)
                _say("The tests fail without any mutation: nothing can be concluded.")
                return 2
        _say("| mutation | what the guard is for | outcome | by |\n|---|---|---|---|")
        outcomes = [_line(each, copy.attempt(each)) for each in mutations]
    killed = outcomes.count("killed")
    _say(f"\n{killed} of {len(outcomes)} killed.")
    return 0 if killed == len(outcomes) else 1


def _line(mutation: Mutation, outcome: Outcome) -> str:
    by = (outcome.failed or outcome.broken or ("",))[0].rpartition("/")[2]
    _say(f"| {mutation.name} | {mutation.why} | {outcome.verdict} | {by} |")
    if outcome.verdict == "broken":
        print(outcome.output, file=sys.stderr)  # noqa: T201
    return outcome.verdict


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main() -> int:
    """List the mutations, or try them."""
    options = arguments()
    # So that being stopped ends the tests and their Postgres too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    mutations = chosen(options.names, options.file)
    if not mutations:
        _say("No mutation has such a name; `--list` names them.")
        return 2
    if options.list:
        for each in mutations:
            _say(f"{each.name}: {each.file}, {each.why}")
        return 0
    try:
        return tried(mutations, first_unmutated=not options.skip_unmutated)
    except DoesNotApply as error:
        _say(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
