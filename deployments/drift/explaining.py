"""What each kind of difference means to users, who may set it back, and what a person is to do."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.drift.deployment_fields import BY_HAND, PAUSES, Field
from deployments.drift.difference import Repair


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is to be said of a difference: what it does to users, who repairs it, and how."""

    means: str
    repair: Repair
    remedy: str = ""


_ACCEPT = "or accept it in the environment's file"

DEPLOYMENT_MISSING = Explanation(
    "What it does is not done: uploads are not started, no sweep runs, or no night's backfill.",
    Repair.SAFE,
)
DEPLOYMENT_EXTRA = Explanation(
    "It starts runs of ours that nobody declared.",
    Repair.TOLD,
    f"Delete it on Prefect's page, declare it under deployments, {_ACCEPT}.",
)
_MEANINGS = {
    Field.ENTRYPOINT: "Its runs start other code, or fail at once.",
    Field.CODE: "Prefect's own workers look for the code elsewhere.",
    Field.POOL: "Its runs wait in another pool, where perhaps no worker is.",
    Field.QUEUE: "Its runs wait in another queue, where perhaps no worker is.",
    Field.LIMIT: "More or fewer of its runs go on at once than the machines are made for.",
    Field.LIMIT_OFF: "Any number of its runs go on at once.",
    Field.COLLISION: "A run too many waits where it should be dropped, or is dropped.",
    Field.FORM: "Wrong parameters are found by the run, not in the form.",
    Field.SCHEDULE: "It does not run by itself.",
    Field.TIMES: "It runs at other times.",
    Field.MORE: "It runs more often than declared.",
    Field.SCHEDULE_OFF: "It does not run by itself, or does though it should not.",
    Field.PAUSED: "None of its runs start, or they do though they should not.",
    Field.PARAMETERS: "Its runs do other things than declared.",
    Field.TAGS: "Its runs are not found by their tags, or wait for a tag's limit.",
    Field.DESCRIPTION: "People read something else of it.",
    Field.VERSION: "It was deployed with another release than the one that is in force.",
    Field.JOB_VARIABLES: "Its containers or processes start with another image or environment.",
}


def of_field(field: Field) -> Explanation:
    """The explanation of a deployment's field."""
    if field in PAUSES:
        remedy = f"Resume it on Prefect's page if nobody wants it paused, {_ACCEPT} until a date."
        return Explanation(_MEANINGS[field], Repair.TOLD, remedy)
    if field is Field.VERSION:
        remedy = "Deploy the release again with `navigator deploy`."
        return Explanation(_MEANINGS[field], Repair.TOLD, remedy)
    return Explanation(_MEANINGS[field], Repair.BY_HAND if field in BY_HAND else Repair.SAFE)


POOL_MISSING = Explanation("No run of the environment starts.", Repair.SAFE)
POOL_TYPE = Explanation(
    "Workers of the declared type serve no pool, so no run starts.",
    Repair.TOLD,
    "A pool's type cannot be changed: name another pool in the environment's file and deploy, or "
    "delete this one first.",
)
POOL_TEMPLATE = Explanation(
    "Runs start in other containers or processes than declared: another image, other limits.",
    Repair.BY_HAND,
)
POOL_LIMIT = Explanation(
    "More or fewer runs go on at once than the machines are made for.", Repair.BY_HAND
)
POOL_PAUSED = Explanation(
    "No run of the environment starts.",
    Repair.TOLD,
    f"Resume it on Prefect's page if nobody wants it paused, {_ACCEPT} until a date.",
)
QUEUE_MISSING = Explanation("What is deployed to it does not start.", Repair.SAFE)
QUEUE_EXTRA = Explanation(
    "Nothing of ours is deployed to it; a worker for one queue may look there in vain.",
    Repair.TOLD,
    f"Delete it on Prefect's page, declare it under pool.queues, {_ACCEPT}.",
)
QUEUE_PRIORITY = Explanation("Other runs go first than declared.", Repair.SAFE)
QUEUE_LIMIT = Explanation("More or fewer of its runs go on at once than declared.", Repair.SAFE)
QUEUE_PAUSED = Explanation(
    "What is deployed to it does not start.",
    Repair.TOLD,
    f"Resume it on Prefect's page if nobody wants it paused, {_ACCEPT} until a date.",
)
TAG_LIMIT = Explanation(
    "Tasks with this tag wait for each other; with a limit of 0 every run stops.",
    Repair.TOLD,
    f"Remove it with `prefect concurrency-limit delete`, {_ACCEPT}.",
)
AUTOMATION_OTHER = Explanation(
    "What the environment has Prefect do by itself is not done, or something else is.", Repair.SAFE
)
AUTOMATION_EXTRA = Explanation(
    "It may pause, cancel or start runs by itself.",
    Repair.TOLD,
    f"Look at it on Prefect's page under Automations; delete it, {_ACCEPT}.",
)
BLOCK_TYPE = Explanation(
    "Its blocks cannot be filled in on Prefect's page, or have other fields there.", Repair.SAFE
)
BLOCK = Explanation(
    "Every run fails, because a setting names this block.",
    Repair.TOLD,
    "Save it with `python -m deployments.save_blocks`, or name another one in the settings.",
)
UNANSWERED = Explanation(
    "Nobody can say whether it is as declared.",
    Repair.TOLD,
    "Make it answer, then compare again.",
)

SETTING = Explanation(
    "The process works otherwise than declared.",
    Repair.TOLD,
    "Start the process again with the environment's variables, or declare the value in its file.",
)
SECRET = Explanation(
    "The process has another key or password than the environment names; only a hash is compared.",
    Repair.TOLD,
    "Start the process again with the secret that the environment names.",
)
RELEASE = Explanation(
    "The process runs other code than the release that is in force.",
    Repair.TOLD,
    "Deploy the release again, or start the process again.",
)
PROCESS_ENVIRONMENT = Explanation(
    "The process works on this environment's data with another environment's variables.",
    Repair.TOLD,
    "Start it again with this environment's variables.",
)

_MIGRATE = "Bring it back with the statement that the migrations have for it."
DROP_FIRST = "It would have to be dropped first: do so, then `--fix` makes it as declared."
DATABASE = {
    "revision": Explanation(
        "Programs of this version do not work, or refuse to.",
        Repair.TOLD,
        "Migrate by deploying the release, or run the version that the schema is of.",
    ),
    "index": Explanation("Look-ups are slow; a unique one keeps no rule.", Repair.SAFE),
    "policy": Explanation("Row-level security does not keep users apart as declared.", Repair.SAFE),
    "row security": Explanation("Users may read each other's rows.", Repair.SAFE),
    "grant": Explanation(
        "A role may do more than declared, or the pipeline less.",
        Repair.TOLD,
        "GRANT or REVOKE it as declared, by who owns the table.",
    ),
    "role": Explanation(
        "The role may do more than declared: a login, or a way around row-level security.",
        Repair.TOLD,
        "ALTER ROLE it back, by a superuser.",
    ),
    "membership": Explanation(
        "This login sees every user's rows without taking a role first.",
        Repair.TOLD,
        "REVOKE it, and grant it again WITH INHERIT FALSE.",
    ),
    "extension": Explanation(
        "Vectors cannot be stored or searched, or not as this version needs it.",
        Repair.TOLD,
        "CREATE EXTENSION, or ALTER EXTENSION … UPDATE, by a superuser.",
    ),
    "trigger": Explanation("A rule of the data is not kept any more.", Repair.TOLD, _MIGRATE),
    "function": Explanation("A rule of the data is not kept as declared.", Repair.TOLD, _MIGRATE),
    "constraint": Explanation("Rows may break a rule of the data.", Repair.TOLD, _MIGRATE),
    "transition": Explanation(
        "Jobs may change their state otherwise than this version does.", Repair.TOLD, _MIGRATE
    ),
}
_OTHER_OBJECT = Explanation(
    "Programs of this version may not find what they need.", Repair.TOLD, _MIGRATE
)
_EXTRA_OBJECT = Explanation(
    "Nothing of ours uses it; it may slow writing down, or show rows to others.",
    Repair.TOLD,
    f"Drop it by hand when nobody needs it, {_ACCEPT}.",
)


def of_database(kind: str, *, extra: bool) -> Explanation:
    """The explanation of a difference in the database; what is extra is never dropped by us."""
    found = DATABASE.get(kind)
    if not extra:
        return found or _OTHER_OBJECT
    means = found.means if found and kind not in ("index", "extension") else _EXTRA_OBJECT.means
    return Explanation(means, Repair.TOLD, _EXTRA_OBJECT.remedy)
