"""Kinds of findings: what can be damaged, why it matters, what repairs it and who decides.

Every kind of damage that `navigator reconcile` and the flow `maintain` look for stands here once,
with the words that every place shows for it. A finding names ids only: no file, no user's name, no
text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What was found. The values are what the database stores."""

    OBJECT_ABANDONED = "object_abandoned"
    OBJECT_UNKNOWN = "object_unknown"
    TEXT_UNNAMED = "text_unnamed"
    ORIGINAL_MISSING = "original_missing"
    TEXT_MISSING = "text_missing"
    RUN_COST_DIFFERS = "run_cost_differs"
    COST_PROMISE_LOST = "cost_promise_lost"
    USER_BILL_DIFFERS = "user_bill_differs"
    VECTOR_RESERVATION_LOST = "vector_reservation_lost"
    BUFFERED_VECTOR_ORPHANED = "buffered_vector_orphaned"
    CHUNKS_MISSING = "chunks_missing"
    VECTORS_MISSING = "vectors_missing"
    VECTOR_ORPHANED = "vector_orphaned"
    WORDS_OLD = "words_old"
    WORDS_UNINDEXED = "words_unindexed"
    WORDS_DIFFER = "words_differ"
    RECALL_LOW = "recall_low"
    JOB_UNATTENDED = "job_unattended"
    JOB_OUT_OF_SIGHT = "job_out_of_sight"
    JOB_STOPPED = "job_stopped"
    RUN_DEAD = "run_dead"
    RUN_NEVER_FINISHED = "run_never_finished"
    FLOW_RUN_ABANDONED = "flow_run_abandoned"
    UPLOAD_EXPIRED = "upload_expired"
    PARSE_OVERDUE = "parse_overdue"
    DEPLOYMENT_MISSING = "deployment_missing"
    DEPLOYMENT_DIFFERS = "deployment_differs"
    DEPLOYMENT_CHANGED = "deployment_changed"
    DEPLOYMENT_PAUSED = "deployment_paused"


class Mending(StrEnum):
    """Who may mend a kind of damage."""

    SAFE = "safe"  # nothing of value is lost by it: the schedule and `--fix` do it
    PAID = "paid"  # it may buy something again: as SAFE where nothing is paid, else as ASKED
    ASKED = "asked"  # only when a person names the kind with `--also`
    PERSON = "person"  # nothing here can do it
    NOBODY = "nobody"  # it harms nobody and ends by itself

    @property
    def asks(self) -> bool:
        """Whether a person's word has it mended."""
        return self in (Mending.PAID, Mending.ASKED)


@dataclass(frozen=True, slots=True)
class KindFacts:
    """What is to be said of a kind.

    Attributes:
        title: what it is. why: why it matters. mending: who may mend it.
        mended: what was done, when it was. remedy: what a person is to do, when nothing was.
    """

    title: str
    why: str
    mending: Mending
    mended: str = ""
    remedy: str = ""


FACTS: dict[Kind, KindFacts] = {
    Kind.OBJECT_ABANDONED: KindFacts(
        "a stored file that no document has any more",
        "It takes space, and may be of somebody who had it deleted.",
        Mending.SAFE,
        mended="It was removed.",
    ),
    Kind.OBJECT_UNKNOWN: KindFacts(
        "a stored file of which the database has no trace",
        "It takes space; or this storage is also another installation's, or rows were lost.",
        Mending.ASKED,
        mended="It was removed, as asked for.",
        remedy="Find out whose it is. If nobody's: `navigator reconcile --fix "
        "--also object_unknown` removes it.",
    ),
    Kind.TEXT_UNNAMED: KindFacts(
        "a stored text that no row names, of a file that a document has",
        "It takes space. It may have been paid for, so it stays, and goes with its document.",
        Mending.NOBODY,
    ),
    Kind.ORIGINAL_MISSING: KindFacts(
        "a document's original is not in the storage",
        "It cannot be downloaded, shown or parsed again, and no backup has it.",
        Mending.SAFE,
        mended="It was stored again, from the same file at the document's source.",
        remedy="Put the file back at its path and run `navigator reconcile --fix` where it lies, "
        "or restore a backup; else delete the document and upload it again.",
    ),
    Kind.TEXT_MISSING: KindFacts(
        "a document's parsed text is not in the storage",
        "Its pages cannot be shown, and a next version would be parsed again.",
        Mending.PAID,
        mended="The document was sent back to be parsed again; what was published stays.",
        remedy="`navigator reconcile --fix --also text_missing` parses it again, at the price of "
        "its pages.",
    ),
    Kind.RUN_COST_DIFFERS: KindFacts(
        "a run's cost is not the sum of its calls",
        "Its cap would stop it too early or too late, and what it cost is told wrongly.",
        Mending.SAFE,
        mended="The run's cost was set to the sum of its calls.",
    ),
    Kind.COST_PROMISE_LOST: KindFacts(
        "money is promised to requests of a run that is over",
        "If the run is resumed, its cap stops it too early.",
        Mending.SAFE,
        mended="The promise was given back.",
    ),
    Kind.USER_BILL_DIFFERS: KindFacts(
        "a user's documents do not add up to the user's calls",
        "What documents cost is told wrongly; the calls are what was paid.",
        Mending.PERSON,
        remedy="The ledger of calls is right. Compare it with the provider's bill; documents' "
        "costs cannot be told apart any more.",
    ),
    Kind.VECTOR_RESERVATION_LOST: KindFacts(
        "a vector is reserved by nobody who lives, for a text that nobody waits for",
        "It takes space and is counted as a request in flight.",
        Mending.SAFE,
        mended="The reservation was removed.",
    ),
    Kind.BUFFERED_VECTOR_ORPHANED: KindFacts(
        "a vector waits for a document that is gone",
        "It takes space, and is made of a deleted document's text.",
        Mending.SAFE,
        mended="It was removed.",
    ),
    Kind.CHUNKS_MISSING: KindFacts(
        "a published document does not have all its chunks",
        "Searches do not find what is missing.",
        Mending.PAID,
        mended="The document was sent back to be published again; the next sweep takes it up.",
        remedy="`navigator reconcile --fix --also chunks_missing` publishes it again and pays for "
        "the vectors that are missing.",
    ),
    Kind.VECTORS_MISSING: KindFacts(
        "chunks of a published document have no vector in its space",
        "Searches by meaning do not find them.",
        Mending.PAID,
        mended="The document was sent back to be published again; the next sweep takes it up.",
        remedy="`navigator reconcile --fix --also vectors_missing` publishes it again and pays for "
        "the vectors that are missing.",
    ),
    Kind.VECTOR_ORPHANED: KindFacts(
        "a vector has no chunk",
        "No search shows it; it takes space, and may be made of a deleted document's text.",
        Mending.SAFE,
        mended="It was removed.",
    ),
    Kind.WORDS_OLD: KindFacts(
        "chunks have the words that an older program made",
        "Searches find them by fewer spellings of an amount, a code or a word.",
        Mending.SAFE,
        mended="Their words were made anew.",
    ),
    Kind.WORDS_UNINDEXED: KindFacts(
        "published chunks wait for the word index",
        "Searches find them by scanning, which takes longer.",
        Mending.SAFE,
        mended="They were indexed.",
        remedy="Another process is indexing; `navigator reconcile --fix` does it once it is done.",
    ),
    Kind.WORDS_DIFFER: KindFacts(
        "a word index differs from the published chunks",
        "Searches by words miss some passages, or count words of passages that are gone.",
        Mending.SAFE,
        mended="What was missing waits to be indexed; what was too much is left out.",
    ),
    Kind.RECALL_LOW: KindFacts(
        "the vector index misses passages that an exact search finds",
        "Searches by meaning leave out some of the nearest passages.",
        Mending.SAFE,
        mended="The index was built anew, and finds them.",
        remedy="It was built anew within the last week, or that is left to you: `navigator index "
        "rebuild --vectors`. If that does not help, tell us: the vectors may lie too close "
        "together for it.",
    ),
    Kind.JOB_UNATTENDED: KindFacts(
        "documents wait, and no sweep takes them up",
        "They are not published, though nothing stops them.",
        Mending.PERSON,
        remedy="See that a worker runs (`navigator up`, or `navigator worker` beside a Prefect "
        "server that has the deployment `sweep`), or ingest them again.",
    ),
    Kind.JOB_OUT_OF_SIGHT: KindFacts(
        "a document is postponed or leased for longer than anything here does",
        "No sweep sees it until then; the clock of the database may have been set back.",
        Mending.SAFE,
        mended="It is due now; the next sweep takes it up.",
    ),
    Kind.JOB_STOPPED: KindFacts(
        "documents of a stopped run wait for a person",
        "A cap, an exhausted quota or a person stopped them; nothing goes on by itself.",
        Mending.PERSON,
        remedy="Go on with `navigator resume RUN`, or delete them.",
    ),
    Kind.RUN_DEAD: KindFacts(
        "a run's process is gone, and nobody wrote down how it ended",
        "It is shown as under way.",
        Mending.SAFE,
        mended="It was written down; its documents are free for the next sweep.",
    ),
    Kind.RUN_NEVER_FINISHED: KindFacts(
        "a run was begun, and nobody works on it or on its documents",
        "It is shown as not finished for ever.",
        Mending.SAFE,
        mended="It was closed.",
    ),
    Kind.FLOW_RUN_ABANDONED: KindFacts(
        "Prefect calls a flow run running, and nobody runs it",
        "It holds a slot of its deployment's limit, and hides that work has ended.",
        Mending.SAFE,
        mended="Prefect was told; a run of a deployment goes back to the queue.",
    ),
    Kind.UPLOAD_EXPIRED: KindFacts(
        "an upload was announced and never came",
        "It counts towards its user's quota.",
        Mending.SAFE,
        mended="It was forgotten.",
    ),
    Kind.PARSE_OVERDUE: KindFacts(
        "a file was submitted to LlamaParse, and nobody asks for the answer",
        "It was paid for; the webhook was lost, and the document does not go on.",
        Mending.SAFE,
        mended="The document is due now: the next sweep asks for the answer, which is not paid "
        "for again.",
        remedy="The document ended meanwhile: `navigator retry` fetches the answer, or delete it.",
    ),
    Kind.DEPLOYMENT_MISSING: KindFacts(
        "a deployment of prefect.yaml is not on the Prefect server",
        "What it does is not done: uploads are not started, or no sweep runs.",
        Mending.SAFE,
        mended="It was deployed again.",
    ),
    Kind.DEPLOYMENT_DIFFERS: KindFacts(
        "a deployment is not what prefect.yaml says",
        "It runs other code, elsewhere, or never.",
        Mending.SAFE,
        mended="It was set back.",
    ),
    Kind.DEPLOYMENT_CHANGED: KindFacts(
        "a deployment's times or parameters are not those of prefect.yaml",
        "It runs at other times or does other things than this version expects. It is left so by "
        "the schedule, since somebody may have set it by hand.",
        Mending.PERSON,
        mended="It was set back, as asked for.",
        remedy="`navigator reconcile --fix` sets it back; or leave it.",
    ),
    Kind.DEPLOYMENT_PAUSED: KindFacts(
        "a deployment or its schedule was paused by hand",
        "Its runs do not start. It is left so, since somebody may want it.",
        Mending.PERSON,
        remedy="Resume it on Prefect's page, or leave it.",
    ),
}
