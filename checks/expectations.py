"""Great Expectations, once a process: the context, the suites and one validation.

Importing Great Expectations takes 5 to 13 seconds and 230 MB, so it happens in `warm_up`, which
may run early in a background thread.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from checks.rules import Rule, Suite
from pipeline.errors import BrokenGate

if TYPE_CHECKING:
    from pandas import DataFrame

# One at a time: a context is not made for threads, and the work holds the GIL anyway.
_LOCK = threading.RLock()


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
    failed: tuple[int, ...]


def warm_up() -> None:
    """Import Great Expectations and build the context, unless that has been done. Thread-safe."""
    with _LOCK:
        _batches()


def judge(suite: Suite, frame: DataFrame) -> list[RowFindings]:
    """Run a suite's expectations over a frame, and find the rows that break each.

    Args:
        frame: with a RangeIndex.

    Raises:
        BrokenGate: an expectation did not come to an opinion.
    """
    with _LOCK:
        try:
            batch = _batches().get_batch(batch_parameters={"dataframe": frame})
            # The short form costs half; row positions are fetched only for what failed.
            results = batch.validate(_suite(suite), result_format="BASIC").results
            return [
                _findings(rule, result, batch)
                for rule, result in zip(suite.rules, _in_order(suite, results), strict=True)
            ]
        except BrokenGate:
            raise
        except Exception as error:
            raise BrokenGate(
                f"The suite {suite.name} could not be run: {type(error).__name__}."
            ) from error


def _findings(rule: Rule, result: Any, batch: Any) -> RowFindings:
    """Turn one result into findings; ask again for the rows when the rule failed."""
    _opinion(rule, result)
    counts = result.result
    if result.success:
        return RowFindings(counts["element_count"], counts["missing_count"], ())
    full = batch.validate(
        _expectation(rule),
        result_format={"result_format": "COMPLETE", "partial_unexpected_count": 0},
    )
    _opinion(rule, full)
    # The list of failing values is cut off at 200; the list of their positions is whole.
    rows = full.result["unexpected_index_list"]
    if full.success or len(set(rows)) != counts["unexpected_count"]:
        raise BrokenGate(f"The rule {rule.name} failed but did not say for which rows.")
    return RowFindings(counts["element_count"], counts["missing_count"], tuple(sorted(rows)))


def _opinion(rule: Rule, result: Any) -> None:
    """Refuse a result that is no verdict: an exception inside the expectation, or no counts."""
    if result.success is None or "unexpected_count" not in result.result:
        raise BrokenGate(f"The rule {rule.name} could not be evaluated.")
    if result.success != (result.result["unexpected_count"] == 0):
        raise BrokenGate(f"The rule {rule.name} contradicts itself.")


def _in_order(suite: Suite, results: list[Any]) -> list[Any]:
    """The results in the order of the rules: failures to evaluate come first otherwise."""
    by_name = {result.expectation_config.meta["rule"]: result for result in results}
    missing = [rule.name for rule in suite.rules if rule.name not in by_name]
    if missing or len(results) != len(suite.rules):
        raise BrokenGate(f"The suite {suite.name} gave no result for {', '.join(missing)}.")
    return [by_name[rule.name] for rule in suite.rules]


@cache
def _batches() -> Any:
    """The batch definition through which every frame goes; it holds no data."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # Its own imports of deprecated modules are not our callers' concern.
    warnings.filterwarnings("ignore", module=r"great_expectations(\.|$)")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("buffers").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


def _suite(suite: Suite) -> Any:
    import great_expectations as gx

    # Never added to the context: adding it twice raises, and nothing here is looked up by name.
    return gx.ExpectationSuite(
        name=f"{suite.name}-{suite.version}",
        expectations=[_expectation(rule) for rule in suite.rules],
    )


def _expectation(rule: Rule) -> Any:
    kwargs = {key: list(v) if isinstance(v, tuple) else v for key, v in rule.kwargs.items()}
    return _kind(rule.expectation)(column=rule.column, meta={"rule": rule.name}, **kwargs)


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
