"""Persists results of tasks and flows as JSON, or not at all; never pickles.

A pickle runs whatever its author wants when it is read. Prefect keeps results as pickles unless
told otherwise, and it reads a result by the serializer that the *file* names, so naming JSON at a
task does not keep a planted pickle from being executed: what is read is looked at first.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.filesystems import LocalFileSystem
from prefect.serializers import Serializer
from prefect.settings import get_current_settings
from pydantic import ConfigDict, Field, TypeAdapter

from stages.parsing import ParseReference

UNKEPT: dict[str, Any] = {"persist_result": False, "result_serializer": "json"}
"""What every flow is declared with, and, with `UNCACHED`, every task but the one that is cached."""

UNCACHED: dict[str, Any] = {"cache_policy": NO_CACHE, **UNKEPT}

# What was not measured is NaN.
_REFERENCES = TypeAdapter(
    list[ParseReference], config=ConfigDict(ser_json_inf_nan="constants", allow_inf_nan=True)
)


class ReferencesSerializer(Serializer):
    """The parse task's result as JSON of one form, checked field by field when it is read."""

    type: str = Field(default="navigator-references", frozen=True)

    def dumps(self, obj: Any) -> bytes:
        """The references; of an error nothing, for its words may not be kept."""
        if isinstance(obj, BaseException):
            return b"null"
        return _REFERENCES.dump_json(obj)

    def loads(self, blob: bytes) -> list[ParseReference]:
        """The references.

        Raises:
            ValueError: it is something else.
        """
        return _REFERENCES.validate_json(blob)


class PlainResults(LocalFileSystem):
    """Prefect's folder of results, of which only those are read that `ReferencesSerializer` wrote.

    Anything else is as good as missing: the task runs again and writes over it.
    """

    # Of its own, or it would stand in for Prefect's folders.
    _block_type_name = "Navigator Results"
    _block_type_slug = "navigator-results"

    def _resolve_path(self, path: str) -> Path:
        return _results(str(get_current_settings().results.local_storage_path))._resolve_path(path)

    async def aread_path(self, path: str) -> bytes:
        """A result, as it is in its file.

        Raises:
            ValueError: it is missing, or not one of ours.
        """
        return _ours(await super().aread_path(path))

    def read_path(self, path: str, **others: Any) -> bytes:  # type: ignore[override]
        """The same, without an event loop."""
        return _ours(self._resolve_path(path).read_bytes())


@cache
def _results(folder: str) -> LocalFileSystem:
    return LocalFileSystem(basepath=folder)


def _ours(content: bytes) -> bytes:
    record = json.loads(content)
    serializer = {"type": ReferencesSerializer.model_fields["type"].default}
    if (
        not isinstance(record, dict)
        or record.keys() != {"metadata", "result"}
        or not isinstance(record["result"], str)
        or not isinstance(record["metadata"], dict)
        or record["metadata"].get("serializer") != serializer
    ):
        raise ValueError("This is no result of ours.")
    ReferencesSerializer().loads(record["result"].encode())
    # Written anew: who reads it next must not understand the same bytes otherwise.
    return json.dumps(record).encode()
