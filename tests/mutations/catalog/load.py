"""Load test: what it measures is what happened, and it costs nobody anything."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SENDING = "app/load/sending.py"
_PERMISSION = "app/load/permission.py"
_TEST_SENDING = "tests/app/load/test_sending.py"
_TEST_PERMISSION = "tests/app/load/test_permission.py"

MUTATIONS = (
    Mutation(
        "latency-counts-from-the-sending",
        _SENDING, "Sender.ask", "latency = time.perf_counter() - moment",
        "latency = time.perf_counter() - moment - late",
        (f"{_TEST_SENDING}::test_latency_counts_from_the_planned_moment",),
        "a slow system cannot hide behind requests that were sent late",
    ),
    Mutation(
        "the-sender-waits-for-answers",
        _SENDING, "Sender.send", "group.create_task(self._one(each, began + each.at))",
        "await self._one(each, began + each.at)",
        (f"{_TEST_SENDING}::test_nobody_waits_for_an_answer",),
        "a slow system is not asked less",
    ),
    Mutation(
        "a-refusal-is-no-error",
        _SENDING, "Sender.ask", "None if answer.is_success else str(answer.status_code)", "None",
        (f"{_TEST_SENDING}::test_refusals_are_errors_by_kind",),
        "what was refused was not answered well",
    ),
    Mutation(
        "a-load-goes-anywhere",
        _PERMISSION, "require_here", "if elsewhere or", "if True or",
        (f"{_TEST_PERMISSION}::test_another_machine",),
        "another machine's API is loaded only when an operator says so",
    ),
    Mutation(
        "a-load-spends-unasked",
        _PERMISSION, "require_no_bill", "if spend or cost_usd == 0:", "if True:",
        (f"{_TEST_PERMISSION}::test_a_bill_stops_the_load",),
        "documents of a load are not paid for unasked",
    ),
)  # fmt: skip
