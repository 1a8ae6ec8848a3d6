"""Owning and stopping: whose a job is, and that what was stopped waits for a person."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_OWNERS = "pipeline/store/job_owners.py"
_TEST_OWNERS = "tests/pipeline/store/test_job_owners.py"
_TEST_HEART = "tests/flows/stages/test_heartbeat.py"

MUTATIONS = (
    Mutation(
        "claim-takes-what-was-stopped",
        "pipeline/store/claims.py", "_CLAIM", "AND stopped IS NULL", "",
        (f"{_TEST_OWNERS}::test_what_is_stopped_waits_for_a_person",),
        "nothing is spent on what a cap, a quota or a person stopped",
    ),
    Mutation(
        "claim-takes-what-a-living-run-owns",
        "pipeline/store/claims.py", "_CLAIM", "OR NOT {OWNED}", "OR NOT ({OWNED}) OR true",
        (f"{_TEST_OWNERS}::test_a_living_runs_jobs_are_its_own",),
        "a job is its run's until that run is over",
    ),
    Mutation(
        "claiming-does-not-make-it-the-runs",
        "pipeline/store/claims.py", "_CLAIM",
        "run_id = coalesce(CAST(:run AS uuid), run_id)", "run_id = run_id",
        (f"{_TEST_OWNERS}::test_a_claim_makes_the_job_its_runs_own",),
        "the cap and the stops of the run that works on it hold for it",
    ),
    Mutation(
        "sweep-takes-what-was-stopped",
        "pipeline/store/backlog.py", "_WAITING", "AND j.stopped IS NULL", "",
        (f"{_TEST_OWNERS}::test_what_is_stopped_waits_for_a_person",),
        "no sweep spends on what a cap, a quota or a person stopped",
    ),
    Mutation(
        "sweep-takes-what-a-living-run-owns",
        "pipeline/store/backlog.py", "_WAITING", "AND NOT {OWNED}", "",
        (f"{_TEST_OWNERS}::test_a_living_runs_jobs_are_its_own",),
        "no sweep takes batches away from a living ingest",
    ),
    Mutation(
        "sweep-takes-what-a-worker-holds",
        "pipeline/store/backlog.py", "_WAITING",
        "(j.lease_until IS NULL OR j.lease_until < now()", "(true",
        (f"{_TEST_OWNERS}::test_a_sweep_leaves_what_is_worked_on_and_what_pauses",),
        "a sweep does not start runs for what is worked on",
    ),
    Mutation(
        "sweep-does-not-wait-after-trouble",
        "pipeline/store/backlog.py", "_WAITING",
        "(j.not_before IS NULL OR j.not_before <= now())", "true",
        (f"{_TEST_OWNERS}::test_a_sweep_leaves_what_is_worked_on_and_what_pauses",),
        "a service in trouble is left alone between tries",
    ),
    Mutation(
        "adopting-what-a-living-run-owns",
        _OWNERS, "_ADOPTABLE", "AND NOT {OWNED}", "",
        (f"{_TEST_OWNERS}::test_a_second_ingest_leaves_the_first_its_jobs",),
        "two ingests of one folder do not take each other's documents",
    ),
    Mutation(
        "adopting-what-a-worker-holds",
        _OWNERS, "_ADOPTABLE", "(j.lease_until IS NULL OR", "(true OR",
        (f"{_TEST_OWNERS}::test_what_a_worker_holds_for_nobodys_run_is_waited_for",),
        "what is worked on stays with whoever works on it",
    ),
    Mutation(
        "adopting-lifts-stops-by-itself",
        _OWNERS, "_ADOPTABLE", "(j.stopped IS NULL", "(true",
        (f"{_TEST_OWNERS}::test_what_is_stopped_waits_for_a_person",),
        "only a person's word lifts a stop",
    ),
    Mutation(
        "a-person-does-not-lift-a-stop",
        _OWNERS, "_ADOPTABLE", "(SELECT asked FROM", "(SELECT false FROM",
        (f"{_TEST_OWNERS}::test_a_person_who_takes_it_in_again_lifts_the_stop",),
        "a person's word lifts a stop",
    ),
    Mutation(
        "a-silent-run-owns-its-jobs",
        _OWNERS, "OWNED", "AND o.held_until >= now()", "",
        (f"{_TEST_OWNERS}::test_a_run_gives_back_its_jobs_however_it_ends",),
        "a run on a lost machine gives its jobs back by itself",
    ),
    Mutation(
        "a-dead-run-owns-its-jobs",
        _OWNERS, "OWNED", "AND NOT o.held_by = ANY(CAST(:dead AS text[]))",
        "AND CAST(:dead AS text[]) IS NOT NULL",
        (f"{_TEST_OWNERS}::test_a_run_gives_back_its_jobs_however_it_ends",),
        "a killed run gives its jobs back at once",
    ),
    Mutation(
        "another-process-prolongs-a-run",
        _OWNERS, "_RENEW", "AND held_by = :worker", "",
        (f"{_TEST_OWNERS}::test_another_run_cannot_let_go_or_prolong",),
        "only the process that holds a run speaks for it",
    ),
    Mutation(
        "another-process-lets-go-of-a-run",
        _OWNERS, "_LET_GO", "AND held_by = :worker", "",
        (f"{_TEST_OWNERS}::test_another_run_cannot_let_go_or_prolong",),
        "only the process that holds a run speaks for it",
    ),
    Mutation(
        "a-runs-heartbeat-900-times-slower",
        "flows/stages/beating.py", "_beat", "lease / 3", "lease * 300",
        (f"{_TEST_HEART}::test_work_longer_than_a_lease_stays_its_workers[ingest_runs]",),
        "a long run keeps its documents",
    ),
    Mutation(
        "a-run-that-ends-lets-nothing-go",
        "flows/stages/owning.py", "owning", "await job_owners.let_go(", "job_owners.let_go and (",
        (f"{_TEST_HEART}::test_what_a_worker_has_left_is_free_at_once",),
        "what a run has left is free at once",
    ),
    Mutation(
        "a-stop-of-what-another-worker-has",
        "pipeline/store/stops.py", "_STOP_CLAIMED", "AND held.attempt = l.attempt", "",
        (f"{_TEST_OWNERS}::test_a_claim_of_before_stops_nothing",),
        "a worker that lost a job cannot stop it for who has it now",
    ),
    Mutation(
        "a-stop-of-what-another-run-owns",
        "pipeline/store/stops.py", "_STOP_RUN", "AND run_id = :run_id AND state", "AND state",
        (f"{_TEST_OWNERS}::test_a_run_stops_only_what_is_its_own",),
        "a run's cap stops its own documents only",
    ),
    Mutation(
        "a-run-keeps-what-it-could-not-finish",
        _OWNERS, "_GIVE_BACK", "SET run_id = NULL", "SET run_id = run_id",
        (f"{_TEST_OWNERS}::test_runs_that_gave_up_do_not_wait_for_each_other",),
        "two runs of one folder do not wait for each other for ever",
    ),
    Mutation(
        "a-run-takes-up-again-what-it-gave-up",
        _OWNERS, "_LEFT", "AND NOT j.id = ANY(CAST(:tried AS uuid[]))", "",
        (f"{_TEST_OWNERS}::test_runs_that_gave_up_do_not_wait_for_each_other",),
        "a run tries a document once and ends",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
