"""Compares a deployment as declared with what Prefect's server has: the one rule for it.

`navigator up`, `navigator reconcile`, the flow `maintain`, `navigator drift` and `navigator verify`
all ask here. What is declared has the form of prefect.yaml, what is found that of Prefect's API.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deployments.releases.release import without_release
from pipeline.redaction import Redaction

Declared = Mapping[str, Any]
"""A deployment of prefect.yaml, or what `deployments.rendering` makes of an environment's."""


class Field(StrEnum):
    """What of a deployment can differ."""

    ENTRYPOINT = "entrypoint"
    CODE = "pull steps"
    POOL = "work pool"
    QUEUE = "work queue"
    LIMIT = "limit"
    LIMIT_OFF = "limit in force"
    COLLISION = "collision"
    FORM = "parameters are checked"
    SCHEDULE = "schedule"
    TIMES = "times of schedule"
    MORE = "another schedule"
    SCHEDULE_OFF = "activity of schedule"
    PAUSED = "paused"
    PARAMETERS = "parameters"
    TAGS = "tags"
    DESCRIPTION = "description"
    VERSION = "version"
    JOB_VARIABLES = "job variables"


_REDACTION = Redaction()

PAUSES = frozenset({Field.PAUSED, Field.SCHEDULE_OFF})
"""What a person stopped, perhaps on purpose: nothing of ours starts it again."""

BY_HAND = frozenset(
    {
        Field.TIMES,
        Field.MORE,
        Field.PARAMETERS,
        Field.TAGS,
        Field.DESCRIPTION,
        Field.JOB_VARIABLES,
    }
)
"""What a person may set on Prefect's page; the rest only a deployment sets."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field of a deployment that is not as declared.

    Attributes:
        slug: of the schedule that it is about; empty for any other field.
    """

    field: Field
    declared: str | None
    found: str | None
    slug: str = ""

    @property
    def name(self) -> str:
        """The field in words."""
        return f"{self.field.value} {self.slug}".strip()


def differences(
    declared: Declared, found: Mapping[str, Any], pull: Sequence[Mapping[str, Any]] = ()
) -> Iterator[FieldDifference]:
    """Every field that differs.

    Args:
        pull: the declared pull steps; not compared when there are none.
    """
    limit = found.get("global_concurrency_limit") or {}
    wanted = _declared_values(declared, pull)
    there = {
        Field.ENTRYPOINT: found.get("entrypoint"),
        Field.CODE: list(found.get("pull_steps") or ()),
        Field.POOL: found.get("work_pool_name"),
        Field.QUEUE: found.get("work_queue_name"),
        Field.LIMIT: limit.get("limit"),
        Field.LIMIT_OFF: bool(limit.get("active", True)),
        Field.COLLISION: (found.get("concurrency_options") or {}).get("collision_strategy"),
        Field.FORM: found.get("enforce_parameter_schema"),
        Field.PAUSED: bool(found.get("paused")),
        Field.PARAMETERS: dict(found.get("parameters") or {}),
        Field.TAGS: sorted(found.get("tags") or ()),
        Field.DESCRIPTION: (found.get("description") or "").strip(),
        Field.VERSION: found.get("version"),
        Field.JOB_VARIABLES: without_release(found.get("job_variables") or {}),
    }
    for field, value in wanted.items():
        if value != there[field]:
            yield FieldDifference(field, _told(value), _told(there[field]))
    yield from _schedules(declared, found)


def _declared_values(declared: Declared, pull: Sequence[Mapping[str, Any]]) -> dict[Field, Any]:
    pool, limit = declared["work_pool"], declared.get("concurrency_limit") or {}
    values: dict[Field, Any] = {
        Field.ENTRYPOINT: declared["entrypoint"],
        Field.POOL: pool["name"],
        Field.QUEUE: pool["work_queue_name"],
        Field.LIMIT: limit.get("limit"),
        Field.LIMIT_OFF: True,
        Field.COLLISION: limit.get("collision_strategy"),
        Field.FORM: declared.get("enforce_parameter_schema", True),
        Field.PAUSED: bool(declared.get("paused", False)),
        Field.PARAMETERS: dict(declared.get("parameters") or {}),
        Field.TAGS: sorted(declared.get("tags") or ()),
        Field.DESCRIPTION: (declared.get("description") or "").strip(),
        Field.JOB_VARIABLES: dict(pool.get("job_variables") or {}),
    }
    if pull:
        values[Field.CODE] = [dict(step) for step in pull]
    if declared.get("version") is not None:
        values[Field.VERSION] = declared["version"]
    return values


def _schedules(declared: Declared, found: Mapping[str, Any]) -> Iterator[FieldDifference]:
    wanted = {each["slug"]: each for each in declared.get("schedules") or ()}
    there = {each.get("slug"): each for each in found.get("schedules") or ()}
    for slug, each in wanted.items():
        is_there = there.get(slug)
        if is_there is None:
            yield FieldDifference(Field.SCHEDULE, _when(each), None, slug)
            continue
        if _when(each) != (times := _when(is_there["schedule"])):
            yield FieldDifference(Field.TIMES, _when(each), times, slug)
        if (active := each.get("active", True)) != is_there["active"]:
            yield FieldDifference(
                Field.SCHEDULE_OFF, _activity(active), _activity(not active), slug
            )
    for each in found.get("schedules") or ():
        # one that is switched off starts nothing
        if each.get("slug") not in wanted and each["active"]:
            yield FieldDifference(
                Field.MORE, None, _when(each["schedule"]), each.get("slug") or str(each["id"])
            )


def _when(schedule: Mapping[str, Any]) -> str:
    zone = schedule.get("timezone") or "UTC"
    if schedule.get("cron"):
        return f"{schedule['cron']} ({zone})"
    if schedule.get("interval"):
        return f"every {float(schedule['interval']):g} s ({zone})"
    return f"{schedule.get('rrule')} ({zone})"


def _activity(active: bool) -> str:
    return "active" if active else "switched off"


def _told(value: object) -> str | None:
    """As text; what a person wrote into variables may be secret."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    plain = _REDACTION.value(value)
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, default=str)
