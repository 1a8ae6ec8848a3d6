"""Lists the maintenance checks that need no Prefect, by name."""

from __future__ import annotations

from stages.reconciling import corpus, jobs, ledger, objects, recall, words
from stages.reconciling.inspection import Check

CHECKS: dict[str, Check] = {
    "objects without a row": objects.unnamed_objects,
    "rows without their object": objects.missing_objects,
    "documents without chunks or vectors": corpus.damaged_documents,
    "vectors without a chunk": corpus.orphaned_vectors,
    "words of an older program": corpus.old_words,
    "words that differ from the chunks": words.differing_words,
    "words that are not indexed": words.unindexed_words,
    "recall of the vector indexes": recall.low_recall,
    "costs of runs": ledger.differing_runs,
    "costs of documents": ledger.differing_bills,
    "vectors that nobody waits for": ledger.unwanted_vectors,
    "jobs that nobody works on": jobs.waiting_jobs,
    "jobs out of sight": jobs.jobs_out_of_sight,
    "runs that died": jobs.dead_runs,
    "runs that nobody ends": jobs.forgotten_runs,
    "what was to come": jobs.missed_arrivals,
}
