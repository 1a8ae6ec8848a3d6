"""Services: budgets, circuits, waits and what is worth another try."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_LIMITS = "pipeline/store/rate_limits.py"
_CIRCUIT = "pipeline/store/circuit_breaker.py"
_POLICY = "pipeline/retry_policy.py"
_ERRORS = "clients/network/provider_errors.py"
_TEST_LIMITS = "tests/pipeline/store/test_rate_limits.py"
_CIRCUIT = "pipeline/store/circuit_breaker.py"
_POLICY = "pipeline/retry_policy.py"
_TEST_ERRORS = "tests/clients/test_provider_errors.py"
_TEST_WAITS = "tests/pipeline/store/test_service_waits.py"
_TEST_RETRIES = "tests/flows/test_retries.py"
_TEST_EMBEDDER = "tests/clients/test_openai_embedder.py"

MUTATIONS = (
    Mutation(
        "the-circuit-opens-at-the-500th-failure",
        _POLICY, "FAILURES_TO_OPEN", "5", "500",
        (f"{_TEST_LIMITS}::test_the_fifth_failure_in_a_row_opens_the_circuit_for_15_seconds",),
        "a service that fails is left in peace",
    ),
    Mutation(
        "the-circuit-opens-at-the-second-failure",
        _POLICY, "FAILURES_TO_OPEN", "5", "2",
        (f"{_TEST_LIMITS}::test_the_fifth_failure_in_a_row_opens_the_circuit_for_15_seconds",),
        "a hiccup does not stop everybody",
    ),
    Mutation(
        "the-circuit-stays-open-for-hours",
        _POLICY, "OPEN_SECONDS", "15.0", "15000.0",
        (f"{_TEST_LIMITS}::test_the_fifth_failure_in_a_row_opens_the_circuit_for_15_seconds",),
        "work goes on soon after the service is back",
    ),
    Mutation(
        "a-success-does-not-count",
        _CIRCUIT, "_SUCCESS", "failures = 0", "failures = failures",
        (f"{_TEST_LIMITS}::test_the_fifth_failure_in_a_row_opens_the_circuit_for_15_seconds",),
        "only failures in a row open the circuit",
    ),
    Mutation(
        "an-exhausted-quota-is-asked-five-times",
        _CIRCUIT, "record_failure", "1 if quota else FAILURES_TO_OPEN", "FAILURES_TO_OPEN",
        (f"{_TEST_LIMITS}::test_an_exhausted_quota_opens_the_circuit_at_once",),
        "an account without money is asked once a window",
    ),
    Mutation(
        "everybody-is-the-probe",
        _CIRCUIT, "_PROBE", "AND opened_until <= clock_timestamp()",
        "AND (opened_until <= clock_timestamp() OR circuit = 'half_open')",
        (f"{_TEST_LIMITS}::test_after_the_wait_one_probe_is_sent",),
        "a service that comes back is tried by one request",
    ),
    Mutation(
        "a-dead-probe-keeps-the-circuit-open",
        _CIRCUIT, "_PROBE", "make_interval(secs => {PROBE_SECONDS})",
        "make_interval(secs => 1000 * {PROBE_SECONDS})",
        (f"{_TEST_LIMITS}::test_a_probe_whose_process_died_is_followed_by_another",),
        "a probe that was killed is followed by another",
    ),
    Mutation(
        "a-shorter-pause-cuts-a-longer",
        _LIMITS, "_PAUSE", "greatest(paused_until, ", "coalesce(NULL, ",
        (f"{_TEST_LIMITS}::test_everybody_waits_for_a_pause",),
        "the longest wait that a provider asked for counts",
    ),
    Mutation(
        "a-pause-is-not-heeded",
        _LIMITS, "_acquire", "state[\"paused\"] > 0", "state[\"paused\"] > 10**9",
        (f"{_TEST_LIMITS}::test_everybody_waits_for_a_pause",),
        "a 429 makes all processes wait",
    ),
    Mutation(
        "the-budget-is-not-taken",
        _LIMITS, "_TAKE", "coalesce(r.requests - 1, 0)", "coalesce(r.requests, 0)",
        (f"{_TEST_LIMITS}::test_two_processes_together_stay_within_the_requests",),
        "all processes together stay within the requests a minute",
    ),
    Mutation(
        "tokens-are-not-counted",
        _LIMITS, "_TAKE", "coalesce(r.tokens - :tokens, 0)", "coalesce(r.tokens - 0 * :tokens, 0)",
        (f"{_TEST_LIMITS}::test_two_processes_together_stay_within_the_tokens",),
        "all processes together stay within the tokens a minute",
    ),
    Mutation(
        "the-budget-saves-up",
        _LIMITS, "_TAKE", "least(requests_per_minute, ", "greatest(0, ",
        (f"{_TEST_LIMITS}::test_the_bucket_refills_up_to_one_minute",),
        "an idle hour does not allow an hour's requests at once",
    ),
    Mutation(
        "retry-after-without-limit",
        _ERRORS, "LONGEST_WAIT", "120.0", "12000.0",
        (f"{_TEST_ERRORS}::test_waits",),
        "a provider cannot make us wait for hours",
    ),
    Mutation(
        "retry-after-nan",
        _ERRORS, "_number", "math.isfinite(value) and value >= 0", "value is not None",
        (f"{_TEST_ERRORS}::test_waits", f"{_TEST_ERRORS}::test_no_header_can_break_the_wait"),
        "a senseless Retry-After is no wait",
    ),
    Mutation(
        "retry-after-in-the-past",
        _ERRORS, "_until", "wait if wait > 0 else None", "wait",
        (f"{_TEST_ERRORS}::test_waits", f"{_TEST_ERRORS}::test_no_header_can_break_the_wait"),
        "a date in the past is no wait",
    ),
    Mutation(
        "a-503-is-the-texts-fault",
        _ERRORS, "embedding_error", "status >= 500", "status == 500",
        (f"{_TEST_ERRORS}::test_refusals",),
        "what a service in trouble answers is tried again",
    ),
    Mutation(
        "a-429-without-money-is-waited-for",
        _ERRORS, "_too_many_requests", "kind in QUOTA_CODES", "kind in ()",
        (f"{_TEST_ERRORS}::test_refusals",),
        "an account without money stops the run",
    ),
    Mutation(
        "a-permanent-error-is-tried-again",
        "flows/retries.py", "is_transient", "isinstance(outcome, TransientError)",
        "isinstance(outcome, Exception)",
        (f"{_TEST_RETRIES}::test_only_what_is_transient_is_tried_again",),
        "what will fail again is not tried again, nor a stop or a broken gate",
    ),
    Mutation(
        "a-transient-error-is-not-tried-again",
        "flows/retries.py", "is_transient", "isinstance(outcome, TransientError)",
        "False",
        (f"{_TEST_RETRIES}::test_only_what_is_transient_is_tried_again",),
        "a hiccup does not stop a batch",
    ),
    Mutation(
        "retries-without-an-end",
        _POLICY, "TASK_RETRIES", "4", "4000",
        (f"{_TEST_RETRIES}::test_a_task_is_tried_five_times_over_half_a_minute",),
        "a task ends",
    ),
    Mutation(
        "retries-at-once",
        "flows/retries.py", "RETRY_DELAYS", "backoff_factor=TASK_BACKOFF", "backoff_factor=0",
        (f"{_TEST_RETRIES}::test_a_task_is_tried_five_times_over_half_a_minute",),
        "a service in trouble is given time",
    ),
    Mutation(
        "an-unavailable-service-is-permanent",
        "pipeline/errors.py", "ServiceUnavailable", "(TransientError)", "(NavigatorError)",
        (f"{_TEST_RETRIES}::test_only_what_is_transient_is_tried_again",),
        "a service that is away is no document's fault",
    ),
    Mutation(
        "an-unavailable-database-is-permanent",
        "pipeline/errors.py", "DatabaseUnavailable", "(TransientError)", "(NavigatorError)",
        (f"{_TEST_RETRIES}::test_only_what_is_transient_is_tried_again",),
        "a database that restarts is no document's fault",
    ),
    Mutation(
        "an-unavailable-storage-is-permanent",
        "pipeline/errors.py", "StorageUnavailable", "(TransientError)", "(NavigatorError)",
        (f"{_TEST_RETRIES}::test_only_what_is_transient_is_tried_again",),
        "a storage that is away is no document's fault",
    ),
    Mutation(
        "an-exhausted-quota-is-transient",
        "pipeline/errors.py", "QuotaExhausted", "(RunStopped)", "(TransientError)",
        (f"{_TEST_RETRIES}::test_only_what_is_transient_is_tried_again",),
        "an account without money stops the run",
    ),
    Mutation(
        "an-answer-has-no-time-limit",
        "clients/openai/embedder.py", "OpenAIEmbedder._request",
        "asyncio.timeout(self._timeout)", "asyncio.timeout(None)",
        (f"{_TEST_EMBEDDER}::test_no_answer_hangs_longer_than_the_timeout",),
        "an answer that drips does not hold a worker for hours",
    ),
    Mutation(
        "vectors-in-the-order-they-came",
        "clients/embedder.py", "checked_vectors", "ordered[position] = row",
        "ordered[list(positions).index(position)] = row",
        (f"{_TEST_EMBEDDER}::test_a_wrong_order_is_put_right",),
        "a text gets its own vector",
    ),
    Mutation(
        "vectors-of-another-dimension",
        "clients/embedder.py", "checked_vectors", "if row.shape != (dimension,):",
        "if not row.size:",
        (f"{_TEST_EMBEDDER}::test_faults",),
        "a vector of another model is never kept",
    ),
    Mutation(
        "vectors-that-are-not-finite",
        "clients/embedder.py", "unit_vectors", "not np.isfinite(vectors).all()", "False",
        (f"{_TEST_EMBEDDER}::test_faults",),
        "NaN is near to nothing and spoils a search",
    ),
    Mutation(
        "vectors-of-no-length",
        "clients/embedder.py", "unit_vectors", "norms.min() < SMALLEST_NORM", "False",
        (f"{_TEST_EMBEDDER}::test_faults",),
        "pgvector accepts a zero vector, and its cosine is NaN",
    ),
    Mutation(
        "a-sweep-claims-all-that-wait-for-a-service",
        "pipeline/store/backlog.py", "_WAITING", "ELSE {MAY_ASK} OR {IS_PROBE} END",
        "ELSE {MAY_ASK} OR {IS_PROBE} OR true END",
        (f"{_TEST_WAITS}::test_while_the_circuit_is_open_one_job_probes_at_a_time",),
        "while a service is away one document asks for it, not all",
    ),
    Mutation(
        "an-alert-is-told-each-time-that-it-comes",
        "pipeline/store/alerts.py", "_TELL_AGAIN",
        "a.told_at < now() - make_interval(secs => :renew_seconds)", "true",
        ("tests/stages/alerts/test_delivering.py"
         "::test_what_comes_again_is_counted_and_told_nobody_until_it_is_renewed",),
        "a person gets one message about what comes again",
    ),
    Mutation(
        "an-outage-begins-with-each-failure",
        _CIRCUIT, "_FAILURE", "coalesce(open_since, clock_timestamp())", "clock_timestamp()",
        (f"{_TEST_WAITS}::test_an_outage_is_told_once",),
        "a person gets one message about an outage, and its age is known",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
