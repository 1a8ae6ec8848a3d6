"""Runs Great Expectations, once a process: its context, the suites and one validation.

Importing Great Expectations takes 5 to 13 seconds and 230 MB, so it happens in `warm_up`, which
may run early in a background thread.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from checks.rules import Rule, Suite
from pipeline.deferred_imports import defer_import
from pipeline.errors import BrokenGate

if TYPE_CHECKING:
    from pandas import DataFrame

# One at a time: a context is not made for threads, and the work holds the GIL anyway.
_LOCK = threading.RLock()


ROW_COUNT = "row_count"
"""Stands in every suite beside its rules: Great Expectations saw as many rows as it was given."""


@dataclass(frozen=True, slots=True)
class RowFindings:
    """What one expectation found.

    Attributes:
        evaluated: rows it looked at, NULLs included.
        missing: rows whose value is NULL, on which it has no opinion.
        failed: positions of failing rows in the frame, ascending.
    """

    evaluated: int
    missing: int
    failed: tuple[int, ...] = ()


def warm_up() -> None:
    """Import Great Expectations and build the context, unless that has been done. Thread-safe."""
    with _LOCK:
        _batches()


def validate(asked: Sequence[tuple[Suite, DataFrame]]) -> list[list[RowFindings]]:
    """Run suites' expectations over their frames, and find the rows that break each.

    Frames of as many rows are judged in one validation, which takes as long as one alone; each
    rule still judges its own column of its own frame.

    Args:
        asked: suites of different names, each with its frame, which has a RangeIndex.

    An optional rule that was measured on no row is not asked: Great Expectations would pass it.

    Raises:
        BrokenGate: an expectation did not come to an opinion, or not on every row.
    """
    if len(asked) == 1:
        return [_validate(*asked[0])]
    if len({len(frame) for _, frame in asked}) > 1:
        return [_validate(suite, frame) for suite, frame in asked]
    found = iter(_validate(*_side_by_side(asked)))
    return [list(islice(found, len(suite.rules))) for suite, _ in asked]


def _side_by_side(asked: Sequence[tuple[Suite, DataFrame]]) -> tuple[Suite, DataFrame]:
    """The suites as one over one frame, whose columns and rules are named after their suite."""
    import pandas as pd

    rules = tuple(
        replace(rule, name=f"{suite.name}.{rule.name}", column=f"{suite.name}.{rule.column}")
        for suite, _ in asked
        for rule in suite.rules
    )
    columns = {
        f"{suite.name}.{rule.column}": frame[rule.column]
        for suite, frame in asked
        for rule in suite.rules
    }
    names = " and ".join(suite.name for suite, _ in asked)
    return replace(asked[0][0], name=names, rules=rules, label=None), pd.DataFrame(columns)


def _validate(suite: Suite, frame: DataFrame) -> list[RowFindings]:
    with _LOCK:
        try:
            whole, suite = suite, _measured(suite, frame)
            # Every column is hashed twice on the way in: only those that are judged go in.
            judged = frame[list(dict.fromkeys(rule.column for rule in suite.rules))]
            batch = _batches().get_batch(batch_parameters={"dataframe": judged})
            # The short form costs half; row positions are asked for only where a rule failed.
            asked = _suite(suite, len(frame))
            results = _by_rule(suite, batch.validate(asked, result_format="BOOLEAN_ONLY").results)
            if not results[ROW_COUNT].success:
                raise BrokenGate(f"The suite {suite.name} did not see every row.")
            return [
                _findings(rule, results[rule.name], batch, frame)
                if rule.name in results
                else RowFindings(len(frame), len(frame))
                for rule in whole.rules
            ]
        except BrokenGate:
            raise
        except Exception as error:
            raise BrokenGate(
                f"The suite {suite.name} could not be run: {type(error).__name__}."
            ) from error


def _measured(suite: Suite, frame: DataFrame) -> Suite:
    """The suite without the optional rules of which the frame holds no measurement."""
    asked = (r for r in suite.rules if not r.optional or frame[r.column].notna().any())
    return replace(suite, rules=tuple(asked))


def _findings(rule: Rule, result: Any, batch: Any, frame: DataFrame) -> RowFindings:
    """Turn one result into findings; ask again for the rows when the rule failed."""
    missing = int(frame[rule.column].isna().sum())
    if result.success:
        return RowFindings(len(frame), missing)
    full = batch.validate(
        _expectation(rule),
        result_format={"result_format": "COMPLETE", "partial_unexpected_count": 0},
    )
    found = full.result
    if full.success is not False or "unexpected_index_list" not in found:
        raise BrokenGate(f"The rule {rule.name} could not be evaluated.")
    # The list of failing values is cut off at 200; the list of their positions is whole.
    rows = set(found["unexpected_index_list"])
    counted = (found["element_count"], found["missing_count"], found["unexpected_count"])
    if not rows or counted != (len(frame), missing, len(rows)):
        raise BrokenGate(f"The rule {rule.name} failed but did not say for which rows.")
    return RowFindings(len(frame), missing, tuple(sorted(rows)))


def _by_rule(suite: Suite, results: list[Any]) -> dict[str, Any]:
    """The results by the name of their rule; each must be there once and hold a verdict."""
    found = {result.expectation_config.meta["rule"]: result for result in results}
    wanted = {ROW_COUNT, *(rule.name for rule in suite.rules)}
    if found.keys() != wanted or len(results) != len(suite.rules) + 1:
        raise BrokenGate(f"The suite {suite.name} did not answer for each of its rules.")
    for name, result in found.items():
        if result.success not in (True, False) or (result.success and _raised(result)):
            raise BrokenGate(f"The rule {name} could not be evaluated.")
    return found


def _raised(result: Any) -> bool:
    """Whether something raised inside: told at the top, or for each metric."""
    info = result.exception_info or {}
    nested = [value for value in info.values() if isinstance(value, dict)]
    return any(each.get("raised_exception", True) for each in nested or [info])


@cache
def _batches() -> Any:
    """The batch definition through which every frame goes; it holds no data."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Its own imports of deprecated modules are not our callers' concern.
    warnings.filterwarnings("ignore", module=r"great_expectations(\.|$)")
    # Half of what importing Great Expectations takes, for expectations that nobody here uses.
    defer_import("scipy.stats")
    defer_import("altair")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("buffers").add_dataframe_asset("frame")
    # What the imports left stays for good: the collector need not walk through it, which takes
    # 0.3 s each time.
    gc.collect()
    gc.freeze()
    return asset.add_batch_definition_whole_dataframe("whole")


def _suite(suite: Suite, rows: int) -> Any:
    import great_expectations as gx

    # Never added to the context: adding it twice raises, and nothing here is looked up by name.
    return gx.ExpectationSuite(
        name=f"{suite.name}-{suite.version}",
        expectations=[_row_count(rows), *(_expectation(rule) for rule in suite.rules)],
    )


def _expectation(rule: Rule) -> Any:
    kwargs = {key: list(v) if isinstance(v, tuple) else v for key, v in rule.kwargs.items()}
    return _kind(rule.expectation)(column=rule.column, meta={"rule": rule.name}, **kwargs)


def _row_count(rows: int) -> Any:
    return _kind("ExpectTableRowCountToEqual")(value=rows, meta={"rule": ROW_COUNT})


@cache
def _kind(name: str) -> Any:
    """The expectation class, made to remember its configuration.

    A validation asks each expectation about 120 times for its configuration, which is rebuilt
    every time: that is 40 % of a small validation. Ours live for one validation and never change.
    """
    import great_expectations.expectations as gxe
    from pydantic.v1 import PrivateAttr

    kind = getattr(gxe, name)

    def configuration(self: Any) -> Any:
        if self._remembered is None:
            self._remembered = kind.configuration.fget(self)
        return self._remembered

    body = {
        "__module__": __name__,
        "__doc__": kind.__doc__,
        "_remembered": PrivateAttr(default=None),
        "configuration": property(configuration),
    }
    return type(kind)(f"{name}OnceConfigured", (kind,), body)
